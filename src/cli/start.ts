/** What `bin/run.js` needs, by one name. */
export {keepForeignCodeOut} from '../base/foreign-code.ts'
export {flush, handle, run} from '../base/oclif.ts'
export {asksForJson, formatErrorDocument, withHelpAsked} from './json-output.ts'
