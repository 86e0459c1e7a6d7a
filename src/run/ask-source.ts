import {sourceBug, usageError} from '../base/errors.ts'
import type {Stream} from '../source.ts'
import type {HostContext} from '../sources/box/hosted-source.ts'
import {assertJson} from '../sources/box/kept-json.ts'
import {untilSourceAnswers} from '../sources/source-answer.ts'
import type {StreamState} from '../warehouse/warehouse.ts'
import type {JobRun} from './job-run.ts'
import {assertHoldsNoSecret} from './kept-in-the-log.ts'
import {isPlain, sharedBookmark, type Moment} from './plan.ts'
import {contextBetweenSlices} from './source-context.ts'

export interface SourceAnswers {
  /** The name of whose data it is; missing where the source cannot tell. */
  readonly identity?: string
  readonly moment: Moment
}

/** Asks a source what must be known before a run is planned. Throws where the data is not that of the runs before. */
export async function askSource(
  run: JobRun,
  streams: readonly Stream[],
  states: readonly StreamState[],
): Promise<SourceAnswers> {
  const {source, request, signal, now} = run
  const kept = sharedBookmark(states)
  const ask = async <Answer>(
    question: ((context: HostContext) => Promise<Answer>) | undefined,
  ): Promise<Answer | undefined> => {
    if (question === undefined) return undefined
    const context = contextBetweenSlices(run, streams)
    return untilSourceAnswers(
      async () => question({...context, ...(kept !== undefined && {bookmark: kept.value})}),
      signal,
    )
  }
  const identity = identityIn(await ask(source.check?.bind(source)))
  if (identity !== undefined) assertHoldsNoSecret('a name for whose data this is', identity, run.maskSecrets)
  if (identity !== undefined) assertSameIdentity(run, identity, states)
  const plain = isPlain(request)
  const currentBookmark = plain ? await ask(source.currentBookmark?.bind(source)) : undefined
  if (currentBookmark !== undefined) assertJson(currentBookmark, 'bookmark')
  const asked = {now: now().getTime(), ...(currentBookmark !== undefined && {currentBookmark})}
  const canResume = !plain || kept === undefined || (await ask(source.canResume?.bind(source))) !== false
  return {...(identity !== undefined && {identity}), moment: {...asked, canResume}}
}

function identityIn(answer: {readonly identity: unknown} | undefined): string | undefined {
  if (answer === undefined) return undefined
  if (typeof answer.identity === 'string') return answer.identity
  throw sourceBug('the source gave no name for whose data this is')
}

function assertSameIdentity({account, job}: JobRun, identity: string, states: readonly StreamState[]): void {
  const stored = states.find((state) => state.identity !== undefined)?.identity
  if (stored === undefined || stored === identity) return
  throw usageError(
    `${account === null ? `job ${job}` : `account ${account}`} used to hold the data of ${stored} and now answers with that of ${identity}`,
    {
      code: 'E_IDENTITY_CHANGED',
      next: 'Use the credentials of the former, or give the other one an account of its own in lorchestra.yaml.',
    },
  )
}
