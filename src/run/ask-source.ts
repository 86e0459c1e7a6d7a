import {messageWithCauses, sourceBug, usageError} from '../base/errors.ts'
import type {Stream} from '../source.ts'
import type {HostContext} from '../sources/box/hosted-source.ts'
import {assertJson} from '../sources/box/kept-json.ts'
import {untilSourceAnswers} from '../sources/source-answer.ts'
import type {StoredBookmark, StreamState} from '../warehouse/warehouse.ts'
import {mayBeOfBookmark} from './bookmark-fault.ts'
import type {JobRun} from './job-run.ts'
import {assertHoldsNoSecret} from './kept-in-the-log.ts'
import {askOutsideSlices} from './outside-slices.ts'
import {isPlain, sharedBookmark, sharedCheckpoint, type Moment} from './plan.ts'
import type {SliceReader} from './slice.ts'

type Owner = Pick<JobRun, 'job' | 'account' | 'maskSecrets'>

type Ask = <Answer>(
  question: ((context: HostContext) => Promise<Answer>) | undefined,
  bookmark?: Pick<StoredBookmark, 'value'>,
) => Promise<Answer | undefined>

interface Kept {
  readonly bookmark?: StreamState['bookmark'] | undefined
  readonly checkpoint?: StreamState['checkpoint'] | undefined
}

/** Asks a source what must be known before it is planned how streams are read that are read together. */
export async function askMoment(
  run: JobRun,
  streams: readonly Stream[],
  states: readonly StreamState[],
): Promise<Moment> {
  const {request, now} = run
  if (!isPlain(request)) return {now: now().getTime(), canResume: true}
  return askAboutChanges(run, streams, {bookmark: sharedBookmark(states), checkpoint: sharedCheckpoint(states)})
}

/** Asks for the name of whose data the source reads; `undefined` where it cannot tell. Throws where it is not that of the runs before. */
export async function askIdentity(
  run: SliceReader & Owner,
  streams: readonly Stream[],
  states: readonly StreamState[],
): Promise<string | undefined> {
  const identity = identityIn(await askerOf(run, streams)(run.source.check?.bind(run.source)))
  if (identity === undefined) return undefined
  assertHoldsNoSecret('a name for whose data this is', identity, run.maskSecrets)
  assertSameIdentity(run, identity, states)
  return identity
}

/** Asks where the change feed stands. What the source cannot even be asked with is dropped. */
async function askAboutChanges(run: JobRun, streams: readonly Stream[], {bookmark, checkpoint}: Kept): Promise<Moment> {
  const {source, now, signal} = run
  const ask = askerOf(run, streams)
  const resumed = checkpoint ?? bookmark
  try {
    const current = await ask(source.currentBookmark?.bind(source), bookmark)
    if (current !== undefined) assertJson(current, 'bookmark')
    const asked = {now: now().getTime(), ...(current !== undefined && {currentBookmark: current})}
    return {
      ...asked,
      canResume: resumed === undefined || (await ask(source.canResume?.bind(source), resumed)) !== false,
    }
  } catch (error) {
    if (resumed === undefined || signal.aborted || !mayBeOfBookmark(error)) throw error
    return askWithoutBookmark(run, streams, error)
  }
}

/** Asks anew as if none had been kept; where the source cannot answer that either, it was not the bookmark's fault. */
export async function askWithoutBookmark(run: JobRun, streams: readonly Stream[], reason: unknown): Promise<Moment> {
  const moment = await askAboutChanges(run, streams, {})
  const dropped = run.maskSecrets(messageWithCauses(reason))
  run.log.warn(
    `the bookmark of the last run is of no use (${dropped}), so its time is read again; what was deleted since then stays unknown`,
  )
  return {...moment, canResume: false, dropped}
}

const askerOf =
  (run: SliceReader, streams: readonly Stream[]): Ask =>
  async (question, bookmark) => {
    if (question === undefined) return undefined
    return askOutsideSlices({reader: run, streams}, async (context) =>
      untilSourceAnswers(
        async () => question({...context, ...(bookmark !== undefined && {bookmark: bookmark.value})}),
        run.signal,
      ),
    )
  }

function identityIn(answer: {readonly identity: unknown} | undefined): string | undefined {
  if (answer === undefined) return undefined
  if (typeof answer.identity === 'string') return answer.identity
  throw sourceBug('the source gave no name for whose data this is')
}

function assertSameIdentity({account, job}: Owner, identity: string, states: readonly StreamState[]): void {
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
