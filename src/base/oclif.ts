/** Everything that lorchestra uses of oclif goes by this one name. */
export {Args, Command, CommandHelp, Config, Errors, Flags, Help, Parser, Plugin, handle, run} from '@oclif/core'
