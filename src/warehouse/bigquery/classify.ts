import {failure} from '../../errors.ts'
import type {Stream} from '../../source.ts'
import type {CommitCounts} from '../warehouse.ts'
import {
  keysStored,
  payloadsChanged,
  sizesOf,
  type Classified,
  type MergeTerms,
  type StagedStream,
} from './commit-sql.ts'
import type {Queries, Row} from './query.ts'

const WHAT = 'comparing with what is stored'

export interface FreshTable {
  readonly stream: Stream
  readonly table: string
}

/** The streams that have rows. */
export async function stagedStreams(queries: Queries, tables: readonly FreshTable[]): Promise<readonly StagedStream[]> {
  if (tables.length === 0) return []
  const sizes = await byPlace(queries, sizesOf(tables.map(({table}) => table)))
  return tables.flatMap(({stream, table}, index) => {
    const row = sizes.get(String(index))
    const keys = Number(row?.['key_count'])
    const [lowest, highest] = [row?.['lowest'] ?? '', row?.['highest'] ?? '']
    return keys === 0 ? [] : [{stream, fresh: table, rows: Number(row?.['row_count']), keys, lowest, highest}]
  })
}

/** What a merge would do, stream by stream. Payloads are read only where a key is stored already. */
export async function classify(
  queries: Queries,
  terms: MergeTerms,
  staged: readonly StagedStream[],
): Promise<readonly Classified[]> {
  if (staged.length === 0) return []
  const keys = await byPlace(queries, keysStored(terms, staged))
  const found = staged.map((of, index) => {
    const row = keys.get(String(index))
    const stored = Number(row?.['stored_keys'])
    assertOneRowPerKey(terms.rawObjects, Number(row?.['stored_rows']) - stored)
    return {staged: of, stored}
  })
  const met = found.filter(({stored}) => stored > 0).map(({staged: of}) => of)
  const compared = met.length === 0 ? new Map<string, Row>() : await byPlace(queries, payloadsChanged(terms, met))
  return found.map((one) => {
    const row = compared.get(String(met.indexOf(one.staged)))
    return {...one, changed: Number(row?.['changed'] ?? 0), written: Number(row?.['written'] ?? 0)}
  })
}

export function countsOf(classified: readonly Classified[]): CommitCounts {
  return new Map(
    classified.map(({staged: {stream, rows, keys}, stored, changed}) => [
      stream.objectType,
      {inserted: keys - stored, updated: changed, unchanged: stored - changed, duplicates: rows - keys},
    ]),
  )
}

async function byPlace(queries: Queries, sql: string): Promise<ReadonlyMap<string, Row>> {
  const rows = await queries.rows({sql, what: WHAT})
  return new Map(rows.map((row) => [row['place'] ?? '', row]))
}

function assertOneRowPerKey(table: string, surplus: number): void {
  if (surplus === 0) return
  throw failure(
    `${table} holds several rows for one idem_key (${surplus} too many among the keys of this run)`,
    `Remove the surplus rows: SELECT idem_key, COUNT(*) FROM ${table} GROUP BY idem_key HAVING COUNT(*) > 1`,
  )
}
