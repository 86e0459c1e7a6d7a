/**
 * Everything that lorchestra uses of oclif goes by this one name: the build replaces the compiled file by a bundle, because importing
 * the hundred and more files of @oclif/core takes longer than all the rest of a start.
 */
export {Args, Command, CommandHelp, Config, Errors, Flags, Help, Parser, Plugin, flush, handle, run} from '@oclif/core'
