import {setRunMode, type RunMode} from '../../src/model/run-mode.ts'

/** Lets a test set another mode in this process, as a new process could. A mode is set once. */
export function forgetRunMode(): void {
  delete (globalThis as {[mode: symbol]: unknown})[Symbol.for('lorchestra.run-mode')]
}

/** Runs in a mode, and leaves none behind. */
export async function withRunMode<Result>(mode: RunMode, run: () => Promise<Result>): Promise<Result> {
  setRunMode(mode)
  try {
    return await run()
  } finally {
    forgetRunMode()
  }
}
