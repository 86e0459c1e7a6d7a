import {addCounts, type Counts, type StreamCounts} from '../model/counts.ts'
import type {EventDetails} from '../model/events.ts'
import {windowAsText, type TimeWindow} from '../model/window.ts'
import type {JsonObject, JsonValue, Stream} from '../source.ts'
import type {CommitCounts, UnreadableRecord} from '../warehouse/commit-batch.ts'
import type {StoredBookmark} from '../warehouse/warehouse.ts'
import type {GroupPlan} from './plan.ts'

/** Whole slices, and what is no whole slice, that go into one commit. */
export interface Gathered {
  readonly counts: StreamCounts
  /** That of the whole slices, or `undefined`. */
  readonly window: TimeWindow | undefined
  readonly part: Part | undefined
  readonly startedAt: number
}

/** A part of a slice before a checkpoint, or records that a sweep found: neither covers anything. */
export interface Part {
  readonly is: 'checkpoint' | 'sweep'
  /** What it is a part of. */
  readonly window: TimeWindow
  readonly bookmark?: JsonValue
}

/** A commit keeps these for the next run. */
export interface Kept {
  readonly bookmark?: StoredBookmark | undefined
  readonly checkpoint?: JsonValue
}

/** An event says this of its commit, whichever stream it is of. */
export interface AboutCommit {
  readonly number: number
  /** The run reads no more than `--limit` allows, so that nothing is covered. */
  readonly limited: boolean
  readonly run: JsonObject
  readonly readBy: 'window' | 'bookmark' | 'earlier bookmark'
  /** Bytes that the warehouse billed since the commit before; missing where nothing is billed. */
  readonly bytesBilled?: number
}

/** `isLast`: the windows of the plan are read to their end. */
export function keptOf(
  {keepsBookmark, atCheckpoint}: GroupPlan,
  part: Part | undefined,
  bookmark: StoredBookmark | undefined,
  isLast: boolean,
): Kept {
  if (part === undefined) {
    const keeps = keepsBookmark === 'each commit' || (keepsBookmark === 'last commit' && isLast)
    return keeps ? {bookmark} : {}
  }
  if (part.bookmark === undefined) return {}
  if (atCheckpoint?.keeps === 'bookmark') return {bookmark: {value: part.bookmark, at: atCheckpoint.at}}
  return {bookmark, checkpoint: part.bookmark}
}

/** What the log tells of a commit to a stream. */
export function completedDetails(
  {sourceSystem, objectType}: Stream,
  {counts: gathered, window, part, startedAt}: Gathered,
  rows: ReadonlyMap<string, Partial<Counts>>,
  {bookmark, checkpoint}: Kept,
  {number, limited, run, readBy, bytesBilled}: AboutCommit,
): Omit<EventDetails, 'runId' | 'at'> {
  const read = window ?? part?.window
  const counts = {...gathered.of(objectType)}
  addCounts(counts, rows.get(objectType) ?? {})
  return {
    type: 'ingestion.completed',
    sourceSystem,
    objectType,
    discriminator: `commit ${number}`,
    payload: {
      schema: 1,
      ...run,
      commit: number,
      ...(read !== undefined && {window: windowAsText(read)}),
      counts,
      // A part covers nothing.
      limited: limited || window === undefined,
      read_by: readBy,
      ...(window === undefined && part !== undefined && {partial: part.is}),
      ...(checkpoint !== undefined && {checkpoint: {value: checkpoint}}),
      ...(bookmark !== undefined && {
        bookmark: {value: bookmark.value, at: new Date(bookmark.at).toISOString()},
      }),
      duration_seconds: Math.round(performance.now() - startedAt) / 1000,
      ...(bytesBilled !== undefined && {bytes_billed: bytesBilled}),
    },
  }
}

/** Counts what could not be read as rejected, beside what became of the others. */
export function withRejected(
  rows: CommitCounts,
  unreadable: readonly UnreadableRecord[],
): ReadonlyMap<string, Partial<Counts>> {
  const counts = new Map<string, Partial<Counts>>(rows)
  for (const {stream} of unreadable) {
    const before = counts.get(stream.objectType) ?? {}
    counts.set(stream.objectType, {...before, rejected: (before.rejected ?? 0) + 1})
  }
  return counts
}

/** What the log tells of a record that the warehouse could not read, as of one that the run itself rejected. */
export function rejectedDetails(
  {stream, idemKey: reference, reason}: UnreadableRecord,
  {window, part}: Pick<Gathered, 'window' | 'part'>,
  {number, run, readBy}: AboutCommit,
  bookmark: JsonValue | undefined,
): Omit<EventDetails, 'runId' | 'at'> {
  const read = window ?? part?.window
  return {
    type: 'record.rejected',
    ...stream,
    discriminator: JSON.stringify([`commit ${number}`, reference]),
    error: reason,
    payload: {
      reference,
      reason,
      ...run,
      ...(read !== undefined && {window: windowAsText(read)}),
      read_by: readBy === 'window' ? 'window' : 'bookmark',
      ...(bookmark !== undefined && {bookmark}),
    },
  }
}
