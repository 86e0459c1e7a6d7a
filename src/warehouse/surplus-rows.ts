import {failure} from '../base/errors.ts'

/** Advises how to find the rows that are too many. */
export const removeSurplusRows = (table: string): string =>
  `Remove the surplus rows: SELECT idem_key, COUNT(*) FROM ${table} GROUP BY idem_key HAVING COUNT(*) > 1.`

/** A commit would not know which row of a key to change. */
export function assertOneRowPerKey(table: string, surplus: number): void {
  if (surplus === 0) return
  throw failure(`${table} holds several rows for one idem_key (${surplus} too many among the keys of this run)`, {
    code: 'E_DUPLICATE_ROWS',
    next: removeSurplusRows(table),
  })
}
