import type {Event} from '../model/events.ts'
import type {Stream} from '../source.ts'

/** A batch names files: record files with lines of the warehouse's `recordLines`, and files of NDJSON with an `Event` a line. */
export interface CommitBatch {
  readonly runStartedAt: Date
  readonly records: readonly string[]
  /** A record that is too large to be read among others has a file of its own. */
  readonly loneRecords: readonly string[]
  readonly events: readonly string[]
  /** `records` and `loneRecords` hold so many lines together. */
  readonly rows: number
  /** Whoever compares or commits it tells the digest of what it meets. */
  readonly isDigested?: boolean
}

export interface RowCounts {
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly duplicates: number
}

/** A record that the warehouse could not read as what it was said to be; it is not stored, and all beside it is. */
export interface UnreadableRecord {
  readonly stream: Stream
  readonly idemKey: string
  readonly reason: string
}

/** Makes the events of a commit from its exact counts. Is called within it, again where it is tried again. */
export type CommitEvents = (
  counts: CommitCounts,
  unreadable?: readonly UnreadableRecord[],
  digest?: string,
) => readonly Event[]

/**
 * Tells apart what a batch can meet: which of its keys are stored, which rows stay because they were read later, and which values
 * are replaced. 64 bits are made of each such row, and the order of rows means nothing. What an unchanged row holds is in the records.
 */
export const digestOf = (rows: readonly bigint[]): string => rows.reduce((all, bits) => all ^ bits, 0n).toString(16)

/** The object types are the keys; one without rows may be missing. */
export type CommitCounts = ReadonlyMap<string, RowCounts>
