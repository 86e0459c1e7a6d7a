import {failure, sourceBug} from '../../base/errors.ts'

/** Said where the source's own code ended it. */
export const ENDED_ITSELF = 'the source ended its process'

/** Says why a box is gone that nobody ended. */
export function reasonOfExit(code: number | null, signal: NodeJS.Signals | null): Error {
  if (signal === 'SIGABRT' || signal === 'SIGTRAP' || code === 134)
    return failure('the process of the source ran out of memory, or did what no source may', {
      code: 'E_SOURCE_FAILED',
      next: 'Lines above may say more. Where its memory was full: smaller pages need less; report it to whoever maintains the source.',
    })
  if (signal !== null)
    return failure(`the process of the source was killed (${signal})`, {
      code: 'E_SOURCE_FAILED',
      next: 'Run the same command again: finished commits are kept.',
    })
  return sourceBug(`${ENDED_ITSELF} (exit code ${code ?? 'unknown'})`)
}

/** Says why a box is gone that said no more and was ended for it: it was about to end, or had let go of its host. */
export const reasonOfSilence = (): Error => sourceBug(`${ENDED_ITSELF}, or its connection to lorchestra`)
