import {failure, usageError} from '../base/errors.ts'
import type {Event} from '../model/events.ts'
import type {TableSet} from '../model/tables.ts'
import type {Stream} from '../source.ts'
import type {InsertedSample} from './comparison.ts'
import type {CommitCounts} from './commit-batch.ts'

/** What becomes of rows that are stored with another value: production's stay (`skip`), or nothing is written (`refuse`). */
export type ChangedRows = 'take' | 'skip' | 'refuse'

/** Rows of test tables, and what their runs covered, become production's without being read again. */
export interface Promotion {
  readonly from: TableSet
  readonly streams: readonly Stream[]
  /** So many rows of each object type the runs in the log have stored; another number is refused. */
  readonly announced: ReadonlyMap<string, number>
  readonly changed: ChangedRows
  /** Rows that production lacks were read first at one of these; others were seeded, and are refused. Missing: none was. */
  readonly insertedAt?: readonly number[]
  /** Rejects and deletions of these runs are taken over. */
  readonly runs: readonly string[]
  readonly runId: string
  /** Called with the exact counts, inside of the transaction. */
  readonly events: (counts: CommitCounts) => readonly Event[]
}

/**
 * Numbers of rows of one object type; `newer` ones differ, and were read later in the other table, or at the same time: then they
 * were seeded, and somebody has edited the other table since.
 */
export interface ComparedRows {
  readonly insert: number
  readonly update: number
  readonly newer: number
  readonly unchanged: number
  /** They stand in the other table alone. */
  readonly onlyStored: number
}

export interface ComparedTables {
  /** The object types are the keys. */
  readonly byObjectType: ReadonlyMap<string, ComparedRows>
  readonly inserted: readonly InsertedSample[]
}

export const noTable = (table: string): Error =>
  usageError(`there is no table ${table}`, {
    code: 'E_TABLE_MISSING',
    next: 'A test run makes it: lorchestra run JOB --test-table',
  })

/** Throws where rows were taken away, or put there, by somebody who logged nothing. */
export function assertRowsAreAsAnnounced(
  found: ReadonlyMap<string, number>,
  announced: ReadonlyMap<string, number>,
): void {
  for (const objectType of new Set([...found.keys(), ...announced.keys()])) {
    const [rows, logged] = [found.get(objectType) ?? 0, announced.get(objectType) ?? 0]
    if (rows === logged) continue
    throw failure(`the test tables hold ${rows} rows of ${objectType}, but their log tells of ${logged}`, {
      code: 'E_PROMOTION_REFUSED',
      next: 'Nothing was written. Drop them (lorchestra test drop), run with --test-table again, and promote that.',
    })
  }
}

/** Throws where rows that a seed brought along are gone from production. */
export function assertSeedIsStored(missing: number): void {
  if (missing === 0) return
  throw failure(`production lacks ${missing} of the rows with which the test tables were seeded`, {
    code: 'E_PROMOTION_REFUSED',
    next: 'Nothing was written. Drop the test tables, seed them again, test, and promote that.',
  })
}

/** Throws where rows would be changed that production may have read later. */
export function assertNoConflict(changed: number): void {
  if (changed === 0) return
  throw failure(
    `${changed} rows have another value in production, which was written to since the test run began: that may be the newer one`,
    {
      code: 'E_PROMOTION_REFUSED',
      next: 'Nothing was written. Keep production’s values with --changed skip, or drop the test tables and test again.',
    },
  )
}
