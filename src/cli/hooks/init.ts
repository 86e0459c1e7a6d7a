import type {Command, Hook} from '@oclif/core'

import {Flags, Parser} from '../../base/oclif.ts'
import {modeOfCommand, modeOfFlags, setRunMode} from '../../model/run-mode.ts'
import type {TableSetName} from '../../model/tables.ts'

/** Commands that write to a warehouse say so; the flag is kept in oclif.manifest.json, so no command is loaded to ask. */
interface RunsJobs {
  readonly runsJobs?: boolean
  /** The one table set that the command writes, whatever its flags; missing: the flags say. */
  readonly writes?: TableSetName
  /** The flag without which the command only looks: no mode is set then, so that no sink can open. */
  readonly writesWith?: string
}

/**
 * Sets the run mode before any command runs. Whatever fails in here leaves it unset: oclif swallows errors of hooks
 * and goes on, and the sink then refuses to open.
 */
const setModeFromCommandLine: Hook.Init = async function ({id, argv, config}) {
  if (id === undefined) return
  const found: (Command.Loadable & RunsJobs) | undefined = config.findCommand(id)
  if (found?.runsJobs !== true || asksForHelp(argv)) return
  const command = await found.load()
  let flags: Readonly<Record<string, unknown>>
  try {
    const parsed = await Parser.parse(argv, {
      // oclif adds --json by itself when a command parses.
      flags: {...command.baseFlags, ...command.flags, ...(command.enableJsonFlag && {json: Flags.boolean()})},
      args: command.args,
      strict: command.strict,
    })
    flags = parsed.flags
  } catch {
    // The command parses the same line again and tells the user; until then no mode is set.
    return
  }
  if (found.writesWith !== undefined && flags[found.writesWith] !== true) return
  setRunMode(found.writes === undefined ? modeOfFlags(flags) : modeOfCommand(flags, found.writes))
}

function asksForHelp(argv: readonly string[]): boolean {
  const end = argv.indexOf('--')
  return (end === -1 ? argv : argv.slice(0, end)).some((word) => word === '--help' || word === '-h')
}

export default setModeFromCommandLine
