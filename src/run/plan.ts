import {failure, usageError} from '../base/errors.ts'
import type {JsonValue} from '../source.ts'
import type {StoredBookmark, StreamState} from '../warehouse/warehouse.ts'
import {CLOCK_TOLERANCE} from '../model/clock.ts'
import {cursorOf, dueWindows, mergeWindows, type TimeWindow} from '../model/window.ts'
import type {StreamGroup} from './stream-groups.ts'
import type {WindowRequest} from './window-request.ts'

/** A job says this about time; milliseconds. */
export interface Schedule {
  /** Milliseconds since 1970; `-Infinity`: from the very first record. */
  readonly start: number
  readonly overlap: number
  readonly settle: number
  readonly earliest: number
  readonly slice: number | undefined
  /** The job itself names `slice`, as a maximum. */
  readonly sliceIsMaximum: boolean
}

export interface GroupPlan {
  readonly group: StreamGroup
  /** Oldest first. */
  readonly windows: readonly TimeWindow[]
  readonly sliceLength: number | undefined
  /** Handed to the source: it reads the changes since then. */
  readonly bookmark?: JsonValue
  /** The bookmark is not that of the last run but the one that rejected records were read from. */
  readonly again?: true
  /** Which commits keep a bookmark; a bookmark kept by an unfinished full run would skip what is still to be read. */
  readonly keepsBookmark: 'each commit' | 'last commit' | 'never'
  /** Kept unless the source yields a later one. */
  readonly firstBookmark?: StoredBookmark
  /**
   * A checkpoint is a place in what is read whole; in changes it is a bookmark like any other, of which nothing more is stored than
   * before. Missing: it is passed over, as a slice of time is a commit by itself.
   */
  readonly atCheckpoint?: {readonly keeps: 'checkpoint'} | {readonly keeps: 'bookmark'; readonly at: number}
}

export interface Moment {
  readonly now: number
  /** The bookmark at which the source's change feed stood at `now`. */
  readonly currentBookmark?: JsonValue
  /** Whether the source can tell what changed since the bookmark that was kept. */
  readonly canResume: boolean
  /** Why the bookmark that was kept is of no use, in the source's words. */
  readonly dropped?: string
}

export function assertSelectableByWindow(
  job: string,
  groups: readonly StreamGroup[],
  {since, until}: WindowRequest,
): void {
  if ((since === undefined && until === undefined) || groups.every(({windowed}) => windowed)) return
  throw usageError(`${job} reads records without a time, so --since and --until cannot select any`, {
    code: 'E_WINDOW_INVALID',
    next: 'Run it without them: it reads everything, and running twice changes nothing.',
  })
}

/** Windows end at the present, so one that ends in the future was written by a wrong clock, or is read by one. */
export function readInTheFuture(streams: readonly Pick<StreamState, 'covered'>[], now: number): Date | undefined {
  const latest = Math.max(...streams.flatMap(({covered}) => covered.map(({until}) => until)))
  return latest <= now + CLOCK_TOLERANCE ? undefined : new Date(latest)
}

export function assertClockIsRight(job: string, states: readonly StreamState[], now: number): void {
  const future = readInTheFuture(states, now)
  if (future === undefined) return
  throw failure(
    `the clock of this machine says ${new Date(now).toISOString()}, but the event log says that ${job} was read up to ${future.toISOString()}`,
    {
      code: 'E_CLOCK_WRONG',
      next: 'Set the clock and run again. If it is right, a run had a wrong one: drop the ingestion.completed events whose window ends in the future.',
    },
  )
}

export function planGroup(
  schedule: Schedule,
  group: StreamGroup,
  states: readonly StreamState[],
  request: WindowRequest,
  {now, currentBookmark, canResume}: Moment,
): GroupPlan {
  const start = group.windowed ? schedule.start : -Infinity
  // A clock that was ahead covered what was yet to come.
  const overlap = schedule.overlap + CLOCK_TOLERANCE
  const until = Math.min(request.until ?? now, now - schedule.settle)
  const plain = isPlain(request)
  const current: StoredBookmark | undefined =
    currentBookmark === undefined ? undefined : {value: currentBookmark, at: now}
  const plan = (
    windows: readonly TimeWindow[],
    keeps: GroupPlan['keepsBookmark'],
    bookmark?: StoredBookmark,
  ): GroupPlan => ({
    group,
    windows: mergeWindows(windows),
    sliceLength: group.windowed ? schedule.slice : undefined,
    keepsBookmark: plain ? keeps : 'never',
    ...(bookmark !== undefined && {firstBookmark: bookmark}),
  })
  if (request.since !== undefined) return plan([{since: request.since, until}], 'never')
  const whole = (bookmark: StoredBookmark | undefined): GroupPlan => ({
    ...plan([{since: start, until}], 'last commit', bookmark),
    ...(plain && !group.windowed && {atCheckpoint: {keeps: 'checkpoint'}}),
  })
  if (request.full) return whole(current)

  const cursor = Math.min(...states.map(({covered}) => cursorOf(start, covered)))
  const stored = sharedBookmark(states)
  const checkpoint = sharedCheckpoint(states)
  // Changes since the interrupted run took its bookmark are not all read yet.
  if (plain && canResume && checkpoint !== undefined && !group.windowed)
    return {...whole(stored ?? current), bookmark: checkpoint.value}
  if (plain && canResume && stored !== undefined && stored.at <= cursor) {
    const changes = plan([{since: Math.max(cursor - overlap, start), until}], 'each commit', current)
    const atCheckpoint = {keeps: 'bookmark', at: stored.at} as const
    return {...changes, sliceLength: undefined, bookmark: stored.value, atCheckpoint}
  }
  if (!group.windowed) return whole(current)
  // A bookmark that was taken by an earlier, interrupted run stays: changes since then are not all read yet.
  const due = states.flatMap(({covered}) => dueWindows({since: start, until}, covered, overlap))
  return plan(due, 'each commit', canResume ? (stored ?? current) : (current ?? stored))
}

/** Tells whether a run goes on where the last one ended; only such a run reads or keeps bookmarks, or with `--full` keeps them. */
export const isPlain = ({since, until, limit, again}: WindowRequest): boolean =>
  since === undefined && until === undefined && limit === undefined && again === undefined

/** Streams that are read together share what the source said last. */
export const sharedBookmark = (states: readonly StreamState[]): StoredBookmark | undefined =>
  sharedBy(states.map(({bookmark}) => bookmark))

export const sharedCheckpoint = (states: readonly StreamState[]): StreamState['checkpoint'] =>
  sharedBy(states.map(({checkpoint}) => checkpoint))

function sharedBy<Value>([first, ...others]: readonly (Value | undefined)[]): Value | undefined {
  const same = others.every((other) => JSON.stringify(other) === JSON.stringify(first))
  return same ? first : undefined
}
