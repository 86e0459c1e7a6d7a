import {modeError} from './errors.ts'

/** What a run may write: everything, nothing, or test tables alone. */
export type RunMode = 'production' | 'dry-run' | 'test-table'

// Shared by all copies of this package in one process, so that a second copy sees the mode and never a default.
const CELL = Symbol.for('lorchestra.run-mode')
const cell = globalThis as {[CELL]?: RunMode | 'unset'}

export function setRunMode(mode: RunMode | 'unset'): void {
  cell[CELL] = mode
}

export const currentRunMode = (): RunMode | 'unset' => cell[CELL] ?? 'unset'

/** Throws while unset: whoever asks is about to write, and no mode is not production. */
export function runMode(): RunMode {
  const mode = currentRunMode()
  if (mode === 'unset') throw modeError('the run mode is not set, so nothing may be written')
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
