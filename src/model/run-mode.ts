import {modeError} from '../base/errors.ts'

/** What a run may write: everything, nothing, or test tables alone. */
export type RunMode = 'production' | 'dry-run' | 'test-table'

// Shared by all copies of this package in one process, so that a second copy sees the mode and never a default.
const CELL = Symbol.for('lorchestra.run-mode')
const cell = globalThis as {[CELL]?: {readonly mode: RunMode | 'unset'; readonly owner: string}}
const OWNER = import.meta.url
/** What the command line said. Anybody can change a global. */
let set: RunMode | 'unset' = 'unset'

export function setRunMode(mode: RunMode | 'unset'): void {
  const owner = cell[CELL]?.owner ?? OWNER
  if (owner !== OWNER) throw modeError('a second copy of lorchestra wanted to set the run mode')
  set = mode
  cell[CELL] = {mode, owner}
}

export const currentRunMode = (): RunMode | 'unset' => cell[CELL]?.mode ?? 'unset'

/**
 * Throws while unset: whoever asks is about to write, and no mode is not production. Throws in any copy of this package
 * but the one whose command runs: its init hook alone has set the mode.
 */
export function runMode(): RunMode {
  const mode = currentRunMode()
  if (mode === 'unset') throw modeError('the run mode is not set, so nothing may be written')
  if (cell[CELL]?.owner !== OWNER) {
    throw modeError('a second copy of lorchestra, which a plugin brought along, wanted to write')
  }
  if (mode !== set) throw modeError(`the run mode was ${set}, and something that is not lorchestra made it ${mode}`)
  return mode
}

export interface ModeFlags {
  readonly 'dry-run': boolean
  readonly 'test-table': boolean
}

export function modeOfFlags(flags: ModeFlags): RunMode {
  if (flags['dry-run'] && flags['test-table']) throw modeError('--dry-run and --test-table were both accepted')
  if (flags['dry-run']) return 'dry-run'
  return flags['test-table'] ? 'test-table' : 'production'
}
