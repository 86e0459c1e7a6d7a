import {modeError} from '../base/errors.ts'
import {tableSetOf, type ProductionTables, type TableSet, type TableSetName, type Writes} from './tables.ts'

/** One row of the table of run modes: all that is chosen by the mode. */
export interface RunModeRow {
  /** The flag that asks for the mode; the one mode without a flag is what a plain command line means. */
  readonly flag?: {readonly name: string; readonly description: string}
  /** The tables whose coverage and keys count. */
  readonly reads: TableSetName
  /** The tables that a run writes; missing: it writes nothing. */
  readonly writes?: TableSetName
  /** The line that opens what a person reads; `tables` are the names of those that are written. */
  readonly banner?: (run: {readonly warehouse: string; readonly tables: string}) => string
  /** Begins the line that closes a run that ended well. */
  readonly linePrefix: string
  /** Ends that line. */
  readonly lineSuffix: string
}

const ROWS = {
  production: {reads: 'production', writes: 'production', linePrefix: '✓ ', lineSuffix: ''},
  'dry-run': {
    flag: {name: 'dry-run', description: 'extract and compute every key, but write nothing'},
    reads: 'production',
    banner: ({warehouse}) => `=== DRY RUN MODE === (no ${warehouse} writes)`,
    linePrefix: '[DRY-RUN] ',
    lineSuffix: ' (no writes)',
  },
  'test-table': {
    flag: {
      name: 'test-table',
      description: 'write to test_event_log and test_raw_objects instead of production',
    },
    reads: 'test',
    writes: 'test',
    banner: ({tables}) => `=== TEST TABLE MODE === (writing to ${tables})`,
    linePrefix: '[TEST] ',
    lineSuffix: ' (wrote to test tables)',
  },
} as const satisfies Readonly<Record<string, RunModeRow>>

export type RunMode = keyof typeof ROWS
export type ModeFlag = Extract<(typeof ROWS)[RunMode], {flag: unknown}>['flag']['name']

/** Every mode of a run, with its row. */
export const RUN_MODES: Readonly<Record<RunMode, RunModeRow>> = ROWS

export const isRunMode = (name: string): name is RunMode => Object.hasOwn(RUN_MODES, name)

/** Makes the error for a choice by mode that does not know the mode: it must never end in production. */
export const unknownMode = (mode: string): Error => modeError(`nothing here knows the run mode ${mode}`)

/** Gives the row of a mode. Throws for a mode that the table does not hold, whatever the types say. */
export function rowOf(mode: RunMode): RunModeRow {
  if (!isRunMode(mode)) throw unknownMode(String(mode))
  return RUN_MODES[mode]
}

/** Commands beside runs that write take it as well. */
export const DRY_RUN_FLAG = ROWS['dry-run'].flag.name

/** Commands that only look take it as well, where they may look into the test tables. */
export const TEST_TABLE_FLAG = ROWS['test-table'].flag.name

export const MODE_FLAGS = Object.values(RUN_MODES).flatMap(({flag}) => (flag === undefined ? [] : [flag]))

/** Gives the tables that a run in this mode reads and writes, from the names of the production tables. */
export function tablesOfMode(
  mode: RunMode,
  production: ProductionTables,
): {readonly read: TableSet; readonly written: TableSet | undefined} {
  const {reads, writes} = rowOf(mode)
  return {
    read: tableSetOf(reads, production),
    written: writes === undefined ? undefined : tableSetOf(writes, production),
  }
}

/** Says what runs in this mode write. */
export const writtenIn = (mode: RunMode): Writes => rowOf(mode).writes ?? 'nothing'

/** Answers for a mode that the event log names, too, which another version may have written. */
export const writesProduction = (mode: string): boolean => isRunMode(mode) && rowOf(mode).writes === 'production'

/** Gives the mode that parsed flags ask for. Throws where they ask for several, or no mode does without a flag. */
export function modeOfFlags(flags: Readonly<Record<string, unknown>>): RunMode {
  const modes = Object.keys(RUN_MODES).filter(isRunMode)
  const asked = modes.filter((mode) => flags[RUN_MODES[mode].flag?.name ?? ''] === true)
  const [mode, other] = asked.length > 0 ? asked : modes.filter((each) => RUN_MODES[each].flag === undefined)
  if (mode === undefined) throw modeError('the flags ask for no run mode')
  if (other !== undefined) throw modeError(`the flags ask for two run modes, ${mode} and ${other}`)
  return mode
}

/** Gives the mode of a command that writes this table set, and has a flag for a mode that writes nothing. */
export function modeOfCommand(flags: Readonly<Record<string, unknown>>, writes: TableSetName): RunMode {
  const asked = modeOfFlags(flags)
  const own = Object.keys(RUN_MODES)
    .filter(isRunMode)
    .find((mode) => RUN_MODES[mode].writes === writes)
  if (own === undefined) throw modeError(`no run mode writes the ${writes} tables`)
  return rowOf(asked).writes === undefined ? asked : own
}

// Shared by all copies of this package in one process, so that a second copy sees the mode and never a default.
const CELL = Symbol.for('lorchestra.run-mode')
const cell = globalThis as {[CELL]?: {readonly mode: RunMode; readonly owner: string}}
const OWNER = import.meta.url

/** Sets the mode of this process, once: whoever comes second, or from another copy of lorchestra, is refused. */
export function setRunMode(mode: RunMode): void {
  rowOf(mode)
  const {mode: former, owner} = cell[CELL] ?? {}
  if (owner !== undefined && owner !== OWNER) throw modeError('a second copy of lorchestra wanted to set the run mode')
  if (former !== undefined) throw modeError(`the run mode is ${former}, and something wanted to make it ${mode}`)
  cell[CELL] = {mode, owner: OWNER}
}

/** Says what this process may write, which is nothing while no mode is set. */
export const writtenByProcess = (): Writes => {
  const mode = currentRunMode()
  return mode === 'unset' ? 'nothing' : writtenIn(mode)
}

export const currentRunMode = (): RunMode | 'unset' => cell[CELL]?.mode ?? 'unset'

/**
 * Gives the mode of this run. Throws while it is unset, because whoever asks is about to write, and no mode is not production;
 * where it is not what the command read from its own flags; and in any copy of this package but the one whose command runs.
 */
export function runMode(wanted: RunMode): RunMode {
  const mode = currentRunMode()
  if (mode === 'unset') throw modeError('the run mode is not set, so nothing may be written')
  if (cell[CELL]?.owner !== OWNER) {
    throw modeError('a second copy of lorchestra, which a plugin brought along, wanted to write')
  }
  if (mode !== wanted) throw modeError(`the run mode is ${mode}, but the flags say ${wanted}`)
  rowOf(mode)
  return mode
}
