/** What `bin/run.js` needs, by one name. */
export {keepForeignCodeOut} from '../base/foreign-code.ts'
export {handle, run} from '../base/oclif.ts'
export {outliveLostOutput} from './output-loss.ts'
export {asksForJson, formatErrorDocument, withHelpAsked} from './json-output.ts'
