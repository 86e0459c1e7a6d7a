import {modeError, usageError} from '../base/errors.ts'
import {Flags} from '../base/oclif.ts'
import {
  currentRunMode,
  DRY_RUN_FLAG,
  MODE_FLAGS,
  TEST_TABLE_FLAG,
  type ModeFlag,
  type RunMode,
} from '../model/run-mode.ts'

/** Gives every mode of the table that has a flag, each excluding all others. */
export function modeFlags() {
  const flags = MODE_FLAGS.map(({name, description}) => {
    const others = MODE_FLAGS.filter((other) => other.name !== name)
    const flag = Flags.boolean({
      description: `${description} (mutually exclusive with ${listed(others)})`,
      exclusive: others.map((other) => other.name),
      helpGroup: 'MODE',
    })
    return [name, flag] as const
  })
  return Object.fromEntries(flags) as Record<ModeFlag, (typeof flags)[number][1]>
}

/** Gives the flag of the mode that writes nothing, for a command that has no other mode to choose. */
export const dryRunFlag = (description: string, more: {readonly dependsOn?: string[]} = {}) => ({
  [DRY_RUN_FLAG]: Flags.boolean({description, ...more}),
})

export const samplesFlag = () =>
  Flags.integer({
    description:
      'how many records a dry run shows: 3, and with --diff none; 0 shows none, as in a log that others read',
    helpValue: 'RECORDS',
    min: 0,
    max: 100,
  })

export function listed(
  flags: readonly {readonly name: string}[],
  type: 'conjunction' | 'disjunction' = 'conjunction',
): string {
  return new Intl.ListFormat('en', {type}).format(flags.map(({name}) => `--${name}`))
}

/** Throws for `--dry-run=…`: oclif would take what follows the = for an argument. */
export function assertModesTakeNoValue(argv: readonly string[], command: string): void {
  const end = argv.indexOf('--')
  const given = MODE_FLAGS.map(({name}) => `--${name}=`)
  const written = (end === -1 ? argv : argv.slice(0, end)).find((word) => given.some((start) => word.startsWith(start)))
  if (written === undefined) return
  const flag = written.slice(0, written.indexOf('='))
  throw usageError(`${flag} takes no value, but ${written} gives it one`, {
    code: 'E_USAGE_FLAGS',
    next:
      flag === `--${TEST_TABLE_FLAG}`
        ? `Write it on its own: lorchestra ${command} ${flag}, or with a set of test tables: ${flag} --test-set alice`
        : `Write it on its own: lorchestra ${command} ${flag}`,
  })
}

/** Two parsers read the command line, the init hook's and the command's; they must have read the same. */
export function assertModeIsSet(wanted: RunMode): void {
  const found = currentRunMode()
  if (found !== wanted) throw modeError(`the run mode is ${found}, but the flags say ${wanted}`)
}
