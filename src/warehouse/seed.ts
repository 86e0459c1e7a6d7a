import {usageError} from '../base/errors.ts'
import type {Event} from '../model/events.ts'
import type {TableSet} from '../model/tables.ts'
import type {Stream} from '../source.ts'

/** Rows of production are copied into test tables, so that a run into these meets them. */
export interface Seed {
  readonly from: TableSet
  readonly streams: readonly Stream[]
  /** Called with the exact numbers, by object type, of the rows that are written with these events. */
  readonly events: (rows: RowsToSeed) => readonly Event[]
}

/** The object types are the keys. */
export type RowsToSeed = ReadonlyMap<string, number>

export interface SeedEstimate {
  readonly rows: RowsToSeed
  /** Copying them reads so many bytes; missing where nothing is billed. */
  readonly bytes?: number
}

/** Throws where the test tables hold rows of these streams already: whose they are could not be told any more. */
export function assertNothingToMix(rows: RowsToSeed): void {
  const [found] = [...rows].filter(([, number]) => number > 0)
  if (found !== undefined) throw seededTooLate(`${found[1]} rows of ${found[0]}`)
}

/** Makes the error for test tables that hold `what`. */
export const seededTooLate = (what: string): Error =>
  usageError(`the test tables hold ${what} already, and are seeded before anything is in them`, {
    code: 'E_SEED_REFUSED',
    next: 'Drop them first: lorchestra test drop, with the same --test-set; or seed another set.',
  })
