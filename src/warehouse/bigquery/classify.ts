import {failure} from '../../base/errors.ts'
import type {Stream} from '../../source.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import type {CommitCounts, UnreadableRecord} from '../commit-batch.ts'
import {
  bitsOfStoredRows,
  deleteUnreadable,
  keysStored,
  selectStoredRows,
  sizesOf,
  sizesOfStoredRows,
  sizesOfText,
  storedRowsColumns,
  unreadableLines,
  type Classified,
  type CommitTerms,
  type StagedStream,
} from './commit-sql.ts'
import {keySetOf, type KeySet} from './key-set.ts'
import type {Queries, Row} from './query.ts'
import {fillStaging, type StagingColumn} from './staging.ts'

const WHAT = 'comparing with what is stored'
/** Says why a record is rejected that cannot be stored. */
export const UNREADABLE = 'BigQuery cannot read it as JSON, not even with its numbers rounded to doubles'

/** The stored keys of a commit are put into these; the id of the job that makes a table is made of its name. */
export interface StoredRowsTables {
  /** Makes the id of the stream's place. */
  readonly idOf: (place: number) => string
  readonly nameOf: (id: string) => string
  /** Makes it, with these columns, and answers when it is there. */
  readonly make: (id: string, columns: readonly StagingColumn[]) => Promise<unknown>
}

/** Finds the streams that have rows. */
export async function stagedStreams(
  queries: Queries,
  stagingTables: readonly string[],
  streams: readonly Stream[],
): Promise<readonly StagedStream[]> {
  if (stagingTables.length === 0) return []
  return arrivedIn(await byPlace(queries, sizesOf(stagingTables, streams)), stagingTables, streams)
}

const arrivedIn = (
  sizes: ReadonlyMap<string, Row>,
  stagingTables: readonly string[],
  streams: readonly Stream[],
): readonly StagedStream[] =>
  streams.flatMap((stream, index) => {
    const row = sizes.get(String(index)) ?? {}
    const keys = keySetOf(row)
    return keys.count === 0 ? [] : [{stream, stagingTables, rows: Number(row['row_count']), keys}]
  })

interface ReadableStreams {
  readonly arrived: readonly StagedStream[]
  readonly unreadable: readonly UnreadableRecord[]
}

/** A statement takes the events of about so many rejects. */
const MOST_UNREADABLE = 1000

/** Throws where so many records of a commit are no JSON that they are no rejects any more. */
export function assertFewUnreadable(lines: number): void {
  if (lines <= MOST_UNREADABLE) return
  throw failure(`BigQuery cannot read ${lines} records of one commit as JSON`, {
    code: 'E_TOO_MANY_REJECTS',
    next: 'See rejects list of earlier runs for what is wrong with such records, and set a shorter slice: for this job in lorchestra.yaml. Nothing of the commit was written.',
  })
}

/** Finds the streams that have rows of text, and takes the lines away whose JSON cannot be read: one bad line must fail no other. */
export async function readableStreams(
  queries: Queries,
  id: string,
  stagingTables: readonly string[],
  streams: readonly Stream[],
): Promise<ReadableStreams> {
  if (stagingTables.length === 0) return {arrived: [], unreadable: []}
  const sizes = await byPlace(queries, sizesOfText(stagingTables, streams))
  const lines = [...sizes.values()].reduce((sum, row) => sum + Number(row['unreadable'] ?? 0), 0)
  if (lines === 0) return {arrived: arrivedIn(sizes, stagingTables, streams), unreadable: []}
  assertFewUnreadable(lines)
  const unreadable = await allUnreadable(queries, stagingTables)
  await queries.run(id, {sql: deleteUnreadable(stagingTables), what: 'leaving out records that cannot be read'})
  return {arrived: await stagedStreams(queries, stagingTables, streams), unreadable}
}

async function allUnreadable(queries: Queries, stagingTables: readonly string[]): Promise<readonly UnreadableRecord[]> {
  return (await queries.rows({sql: unreadableLines(stagingTables), what: WHAT})).map((row) => ({
    stream: {sourceSystem: row['source_system'] ?? '', objectType: row['object_type'] ?? ''},
    idemKey: row['idem_key'] ?? '',
    reason: UNREADABLE,
  }))
}

/** Finds out what a commit would do, stream by stream. Payloads are read only where a key is stored already. */
export async function classify(
  queries: Queries,
  terms: CommitTerms,
  staged: readonly StagedStream[],
  tables: StoredRowsTables,
): Promise<readonly Classified[]> {
  if (staged.length === 0) return []
  const rows = await byPlace(queries, keysStored(terms, staged))
  const found = staged.map((of, index) => {
    const row = rows.get(String(index)) ?? {}
    const stored = keySetOf(row)
    assertOneRowPerKey(terms.rawObjects, Number(row['row_count'] ?? 0) - stored.count)
    return {staged: of, stored}
  })
  const compared = await compare(
    queries,
    terms,
    found.filter(({stored}) => stored.count > 0),
    tables,
  )
  return found.map(({staged: of, stored}) => ({staged: of, stored: stored.count, changed: 0, ...compared.get(of)}))
}

type Compared = Required<Pick<Classified, 'changed' | 'storedRows'>> & Pick<Classified, 'bits'>

async function compare(
  queries: Queries,
  terms: CommitTerms,
  found: readonly {readonly staged: StagedStream; readonly stored: KeySet}[],
  {idOf, nameOf, make}: StoredRowsTables,
): Promise<ReadonlyMap<StagedStream, Compared>> {
  if (found.length === 0) return new Map()
  const ids = found.map((_, index) => idOf(index))
  for (const [index, {staged, stored}] of found.entries()) {
    const id = ids[index] ?? ''
    const columns = storedRowsColumns(terms)
    await make(id, columns)
    const names = columns.map(({name}) => name)
    const sql = fillStaging(nameOf(id), names, selectStoredRows(terms, staged, stored))
    await queries.run(id, {sql, what: WHAT})
  }
  const sizes = await byPlace(
    queries,
    sizesOfStoredRows(found.map(({staged: {stream}}, index) => ({stream, table: nameOf(ids[index] ?? '')}))),
  )
  const bits = terms.isDigested === true ? await byPlace(queries, bitsOfStoredRows(ids.map(nameOf))) : undefined
  return new Map(
    found.map(({staged}, index) => {
      const row = sizes.get(String(index)) ?? {}
      const storedRows = {table: nameOf(ids[index] ?? ''), written: keySetOf(row)}
      return [
        staged,
        {
          changed: Number(row['changed'] ?? 0),
          storedRows,
          ...(bits !== undefined && {bits: BigInt(bits.get(String(index))?.['bits'] ?? 0)}),
        },
      ]
    }),
  )
}

export function countsOf(classified: readonly Classified[]): CommitCounts {
  return new Map(
    classified.map(({staged: {stream, rows, keys}, stored, changed}) => [
      stream.objectType,
      {inserted: keys.count - stored, updated: changed, unchanged: stored - changed, duplicates: rows - keys.count},
    ]),
  )
}

async function byPlace(queries: Queries, sql: string): Promise<ReadonlyMap<string, Row>> {
  const rows = await queries.rows({sql, what: WHAT})
  return new Map(rows.map((row) => [row['place'] ?? '', row]))
}
