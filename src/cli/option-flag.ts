import {Flags} from '../base/oclif.ts'

/** Gives the flag for options of a source. */
export const optionFlag = () => ({
  option: Flags.string({
    description: 'an option of the source, or a setting of lorchestra; may be given several times',
    helpValue: 'KEY=VALUE',
    multiple: true,
    multipleNonGreedy: true,
    default: [],
  }),
})
