import {busy, failure} from '../base/errors.ts'
import type {Event} from '../model/events.ts'
import {isSameStream, nameOfStream} from '../model/stream.ts'
import {isTestTable} from '../model/tables.ts'
import type {Stream} from '../source.ts'

/** Keys of a stream that have several rows, and the rows that are too many. */
export interface SurplusOfStream {
  readonly stream: Stream
  /** The number of keys of which rows of this stream are too many. */
  readonly keys: number
  /** 0: the stream holds a row that stays, and another stream those that are too many. */
  readonly rows: number
}

export interface SurplusRows {
  readonly streams: readonly SurplusOfStream[]
  /** Removing them reads so many bytes at most; missing where nothing is billed, or nothing is too much. */
  readonly bytes?: number
}

/** Rows are removed of all keys that have several. */
export interface SurplusRemoval {
  /** Called with exact numbers, for what is written together with the removal. */
  readonly events: (removed: readonly SurplusOfStream[]) => readonly Event[]
}

/** The first row of a key in this order stays. What ends it differs from warehouse to warehouse, as equal rows do not. */
export const STAYING_FIRST = 'last_seen DESC, first_seen DESC, source_system, object_type'

/** Advises how to see and to remove the rows that are too many; the name of the table may be written with its dataset. */
export const adviseOnSurplusRows = (table: string): string =>
  isTestTable(table.slice(table.lastIndexOf('.') + 1))
    ? 'Remove the surplus rows: lorchestra warehouse dedupe --test-table, with the same --test-set.'
    : 'Remove the surplus rows: lorchestra warehouse dedupe, which with --dry-run only counts them.'

/** A commit would not know which row of a key to change. */
export function assertOneRowPerKey(table: string, surplus: number): void {
  if (surplus === 0) return
  throw failure(`${table} holds several rows for one idem_key (${surplus} too many among the keys of this run)`, {
    code: 'E_DUPLICATE_ROWS',
    next: adviseOnSurplusRows(table),
  })
}

/** Throws where rows came into a stream that was not taken. */
export function assertStreamsTaken(found: readonly SurplusOfStream[], taken: readonly Stream[]): void {
  const other = found.find(({stream}) => !taken.some((one) => isSameStream(one, stream)))
  if (other !== undefined) throw changedMeanwhile(nameOfStream(other.stream))
}

/** Makes the error for rows that somebody changes who takes no stream. */
export const changedMeanwhile = (what: string): Error =>
  busy(`something changed rows of ${what} while those that are too many were removed`, {
    code: 'E_STREAM_BUSY',
    next: 'Nothing was removed. Run the same command again.',
  })
