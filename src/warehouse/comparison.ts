import {isSameJson} from '../base/json-difference.ts'
import type {Stream} from '../source.ts'
import type {TableSet} from '../model/tables.ts'
import type {CommitBatch, CommitCounts, UnreadableRecord} from './commit-batch.ts'

export interface StreamsToCompare {
  readonly tables: TableSet
  readonly streams: readonly Stream[]
  /** It begins then, by the clock of this machine. */
  readonly begunAt: Date
  /** What this run commits meanwhile moves nothing. */
  readonly runId: string
  /** Every batch is written before the next one is compared; else each is compared as if those before it were. */
  readonly isWritten: boolean
  /** The folder for temporary files, which only this user can read. */
  readonly folder: string
  /** Hears, where reading is billed, how many bytes comparing a batch may read, by the service's estimate, before any is read. */
  readonly priced?: ((bytes: number) => void) | undefined
}

/** Tells what commits would do to the stored rows, and writes nothing but temporary files. */
export interface Comparison {
  /** The tables were looked at first at this time. */
  readonly since: Date
  /** There is a table to compare with. */
  readonly tableExists: boolean
  /**
   * Tells of runs that changed the streams since then, or other rows among them where the table could not be read as it was at one
   * moment: those of one that is named, or of somebody who logged nothing.
   */
  readonly moved: {readonly runId: string | undefined} | undefined
  /**
   * Tells what a commit of the batch would do, after commits of all batches before it. Every row that would be updated is given to
   * `isChanged`, which answers whether the payload is another value. The files must stay until the next call, or `close`, unless
   * each batch is written.
   */
  compare(batch: CommitBatch, options: CompareOptions): Promise<Compared>
  /** Answers with those of the keys under which batches that were compared would have written. */
  written(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  close(): Promise<void>
}

export interface CompareOptions {
  readonly isChanged: (row: ChangedRow) => boolean
  /** So many records that would be inserted are given in full. */
  readonly insertedSamples: number
}

/** A stored row, and the record that has its key and another text. */
export interface ChangedRow {
  readonly idemKey: string
  /** The payload as it is stored, JSON. */
  readonly stored: string
  /** The payload of the record, JSON. */
  readonly staged: string
  readonly lastSeen: Date
}

/** Numbers of rows; `newer` ones were read later than this run began, and keep their payload. */
export interface ComparedCounts {
  readonly insert: number
  readonly update: number
  readonly unchanged: number
  readonly newer: number
  readonly duplicate: number
}

export interface InsertedSample {
  readonly idemKey: string
  readonly payload: string
}

export interface Compared {
  /** The object types are the keys; one without records may be missing. */
  readonly counts: ReadonlyMap<string, ComparedCounts>
  readonly inserted: readonly InsertedSample[]
  /** A commit would reject these; they are not among the counts. */
  readonly unreadable: readonly UnreadableRecord[]
  /** That of what the batch met, where it wants one and has records. */
  readonly digest?: string
}

/** Gives what a commit counts that does what was compared: rows that were read later stay as they are. */
export const commitCountsOf = ({counts}: Compared): CommitCounts =>
  new Map(
    [...counts].map(([objectType, {insert, update, unchanged, newer, duplicate}]) => [
      objectType,
      {inserted: insert, updated: update, unchanged: unchanged + newer, duplicates: duplicate},
    ]),
  )

/** Tells whether two payloads are different values. What is no JSON to JavaScript is compared as it is written. */
export function isAnotherValue({stored, staged}: Pick<ChangedRow, 'stored' | 'staged'>): boolean {
  try {
    return !isSameJson(stored, staged)
  } catch (error) {
    if (error instanceof SyntaxError) return true
    throw error
  }
}
