import {failure} from '../base/errors.ts'
import type {Event} from '../model/events.ts'
import type {Stream} from '../source.ts'

/** What is to be taken back of a stream, as the event log tells of it. */
export interface StreamToUndo {
  readonly stream: Stream
  /** The commits inserted so many rows, and updated rows so many times. */
  readonly inserted: number
  readonly updated: number
  /** The stream was taken for the first of the runs at this time of the warehouse's own clock; missing where it has none. */
  readonly takenAt?: Date
}

/** Runs whose rows are taken back, none of whose streams was written to by another run since. */
export interface RunsToUndo {
  /** They stand in the order in which they wrote, with the number of times that each of them updated a row. */
  readonly runs: readonly {readonly runId: string; readonly updated: number}[]
  readonly streams: readonly StreamToUndo[]
  /** Rows whose `first_seen` is one of these were inserted by the runs. */
  readonly insertedAt: readonly Date[]
  /** Rows whose `last_seen` is none of these were not written by the runs, or again by somebody else since. */
  readonly writtenAt: readonly Date[]
}

export interface Undo extends RunsToUndo {
  /** The run that takes them back. */
  readonly runId: string
  /** Called inside of the transaction. */
  readonly events: (rows: readonly UndoneRows[]) => readonly Event[]
}

/** Rows of one stream that are taken away, or given back what they held before. */
export interface UndoneRows {
  readonly stream: Stream
  readonly removed: number
  readonly restored: number
  /** The runs saw these last, and they stay as they are. A row whose `last_seen` lags is none of them. */
  readonly left: number
  /** False: `restored` is the most that it can be. */
  readonly isExact: boolean
}

const NOTHING_WRITTEN = 'Nothing was written.'

/** Makes the error for rows that are not what the event log says: taking back what is not known is no taking back. */
export const rowsDiffer = (what: string): Error =>
  failure(`${what}: somebody changed rows and logged nothing, or two runs began at the same moment`, {
    code: 'E_UNDO_REFUSED',
    next: `${NOTHING_WRITTEN} Read again what is wrong, with --full or --since.`,
  })

/** Throws where rows were put there, or taken away, by somebody who logged nothing. */
export function assertInsertedRows({sourceSystem, objectType}: Stream, found: number, logged: number): void {
  if (found === logged) return
  throw rowsDiffer(
    `the event log tells of ${logged} inserted rows of ${sourceSystem}/${objectType}, and ${found} are there`,
  )
}

/** Makes the error for a run whose former payloads are not there. */
export const notKept = (runId: string, why: string): Error =>
  failure(`what run ${runId} has changed cannot be given back: ${why}`, {
    code: 'E_UNDO_REFUSED',
    next: `${NOTHING_WRITTEN} Read again what is wrong, with --full or --since.`,
  })
