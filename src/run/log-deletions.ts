import {isSameStream} from '../model/stream.ts'
import {asError, failure, messageWithCauses, usageError} from '../base/errors.ts'
import {noCounts, StreamCounts} from '../model/counts.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import {windowAsText} from '../model/window.ts'
import type {Sink} from '../sink/sink.ts'
import type {StreamScope} from '../warehouse/warehouse.ts'
import type {ComparedKeys, ConfirmedGone, KeyIndex, SomeKeys} from '../warehouse/stored-keys.ts'
import {pastRuns} from './past-runs.ts'
import {scopesOfGroups, type StreamGroup} from './stream-groups.ts'
import {
  allKeys,
  compareWithListed,
  groupsToReconcile,
  isReadAlike,
  MOST_NAMED,
  nothingListed,
  withStoredKeys,
  type JobToReconcile,
} from './reconcile-job.ts'
import {streamOfKey} from './sweep.ts'
import {endedBeside, startedBeside} from './written-beside.ts'

/** Commits of so many runs are looked through for another selection. */
const NEWEST_RUNS = 10_000

/** A job of which what is gone is logged as deleted; the sink is that of the run mode. */
export interface JobToLogDeletions extends JobToReconcile {
  readonly sink: Sink
  /** So many percent of the rows that are not logged as deleted may be gone. */
  readonly maxDeleted: number
}

export interface LoggedDeletions extends ComparedKeys {
  /** They are logged as deleted now. */
  readonly deleted: SomeKeys
  /** `undefined` where nothing is written. */
  readonly runId: string | undefined
}

/**
 * Logs as deleted what is gone in two lists of all keys, while no run can write the streams. All of it lands in one commit, or
 * nothing; rows stay.
 */
export async function logDeletions(job: JobToLogDeletions): Promise<LoggedDeletions> {
  const groups = await groupsThatNobodyElseReads(job)
  const since = await begin(job, groups)
  try {
    // Somebody may have written before the streams were taken.
    await groupsThatNobodyElseReads(job)
    return await withStoredKeys(job, groups, since, async (index) => logGone(job, groups, index, since))
  } catch (thrown) {
    await logFailure(job, since, thrown)
    throw thrown
  } finally {
    await job.sink.close()
  }
}

/** Takes the streams, and tells when they were taken. */
async function begin(job: JobToLogDeletions, groups: readonly StreamGroup[]): Promise<Date> {
  const {sink, runId, maxDeleted} = job
  const streams = groups.flatMap((group) => group.streams)
  const payload = await startedBeside(job, sink.mode, streams, {reconcile: {max_deleted_percent: maxDeleted}})
  let since = job.now()
  await sink.begin({
    runId,
    scopes: scopesOfGroups(job, groups),
    started: () => {
      since = job.now()
      return createEvent({type: 'job.started', runId, at: since, payload})
    },
  })
  return since
}

async function logGone(
  job: JobToLogDeletions,
  groups: readonly StreamGroup[],
  index: KeyIndex,
  since: Date,
): Promise<LoggedDeletions> {
  const {sink, runId} = job
  const compared = await compareWithListed(job, groups, index)
  assertFewAreGone(job, compared)
  // A key may have been left out of one list because its page was read while it moved.
  const confirmed = await index.confirmGone(allKeys(job, groups), MOST_NAMED)
  if (confirmed.listed === 0) throw nothingListed(job)
  await commitDeletions(job, groups, confirmed, since)
  return {...compared, deleted: confirmed, runId: sink.tables.written === undefined ? undefined : runId}
}

async function commitDeletions(
  job: JobToLogDeletions,
  groups: readonly StreamGroup[],
  confirmed: ConfirmedGone,
  since: Date,
): Promise<void> {
  const {sink} = job
  const scopes = scopesOfGroups(job, groups)
  const streams = scopes.map(({stream}) => stream)
  const counts = new StreamCounts(streams.map(({objectType}) => objectType))
  for await (const keys of confirmed.pages())
    for (const idemKey of keys) {
      const stream = streamOfKey(idemKey, streams)
      counts.of(stream.objectType).deleted += 1
      await sink.logEvent(eventOf(job, {type: 'object.deleted', ...stream, idemKey, payload: {by: 'reconcile'}}))
    }
  const concerned = scopes.filter(({stream}) => counts.of(stream.objectType).deleted > 0)
  await sink.commit(() => [
    ...concerned.map((scope) => eventOf(job, completed(scope, counts, since))),
    eventOf(job, {
      type: 'job.completed',
      payload: endedBeside(
        {...job, startedAt: since},
        {counts: counts.total(), commits: Math.min(concerned.length, 1)},
      ),
    }),
  ])
}

/** It covers nothing: nothing was read. */
const completed = (
  {job, account, selection, stream}: StreamScope,
  counts: StreamCounts,
  since: Date,
): Omit<EventDetails, 'runId' | 'at'> => ({
  type: 'ingestion.completed',
  ...stream,
  discriminator: 'commit 1',
  payload: {
    schema: 1,
    job,
    account,
    selection,
    commit: 1,
    window: windowAsText({since: -Infinity, until: since.getTime()}),
    counts: {...counts.of(stream.objectType)},
    limited: true,
    partial: 'reconcile',
  },
})

/** Leaves the first error to whoever called: it says more. */
async function logFailure(job: JobToLogDeletions, since: Date, thrown: unknown): Promise<void> {
  const {sink, log, maskSecrets} = job
  const error = maskSecrets(messageWithCauses(asError(thrown)))
  const payload = endedBeside({...job, startedAt: since}, {counts: noCounts(), commits: 0})
  try {
    await sink.discard()
    await sink.commit(() => [eventOf(job, {type: 'job.failed', error, payload})])
  } catch (second) {
    log.error(`the failure could not be written to the event log: ${messageWithCauses(second)}`)
  }
}

const eventOf = ({runId, now}: JobToLogDeletions, details: Omit<EventDetails, 'runId' | 'at'>): Event =>
  createEvent({...details, runId, at: now()})

/** Runs with `--limit` cover nothing and have stored rows all the same. */
async function groupsThatNobodyElseReads(job: JobToLogDeletions): Promise<readonly StreamGroup[]> {
  const groups = await groupsToReconcile(job)
  const scopes = scopesOfGroups(job, groups)
  const streams = scopes.map(({stream}) => stream)
  const runs = await pastRuns(await job.warehouse.readRunEvents(job.production, {streams, limit: NEWEST_RUNS}))
  const other = runs
    .filter(({outcome}) => outcome !== 'undone')
    .flatMap(({commits}) => commits)
    .find(
      (commit) =>
        scopes.some(({stream}) => isSameStream(stream, commit)) && !isReadAlike(scopes, {...commit, stream: commit}),
    )
  if (other === undefined) return groups
  throw usageError(`rows of ${job.job} were also read by ${other.job}, with another selection`, {
    code: 'E_RECONCILE_REFUSED',
    next: 'Nothing can be marked as deleted where rows were selected in several ways: they need not be in this listing.',
  })
}

function assertFewAreGone({job, maxDeleted}: JobToLogDeletions, {stored, gone, untold}: ComparedKeys): void {
  const living = stored - gone.count + untold
  if (100 * untold <= maxDeleted * living) return
  throw failure(
    `${untold} of ${living} stored records are gone at the source, more than the ${maxDeleted}% of --max-deleted`,
    {
      code: 'E_RECONCILE_REFUSED',
      next: `Nothing was marked as deleted. See which they are (lorchestra reconcile ${job}); if they are gone indeed, allow more of them with --max-deleted.`,
    },
  )
}
