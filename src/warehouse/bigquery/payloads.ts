import type {TableSet} from '../../model/tables.ts'
import type {StoredPayload, WantedPayloads} from '../stored-payloads.ts'
import {ofStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import {existingTables} from './definitions.ts'
import type {Queries, Statement} from './query.ts'

/** Rows of 2 KB make a page of 2 MB. */
const PAGE_ROWS = 1000

interface Place {
  readonly connection: Connection
  readonly queries: Queries
  readonly tables: TableSet
  readonly signal: AbortSignal
}

/** Downloads the payloads of a stream page by page, once their price is told. */
export async function* readPayloads(
  {connection, queries, tables, signal}: Place,
  {stream, samplePercent, priced}: WantedPayloads,
): AsyncGenerator<readonly StoredPayload[]> {
  if (!(await existingTables(connection, tables, signal)).rawObjects) return
  const from = connection.tableName(tables.rawObjects)
  const sample = samplePercent === undefined ? '' : ` TABLESAMPLE SYSTEM (${samplePercent} PERCENT)`
  const statement: Statement = {
    sql: `SELECT idem_key, TO_JSON_STRING(payload) AS payload FROM ${from}${sample} WHERE ${ofStream(stream)}`,
    what: 'reading stored payloads',
    signal,
  }
  priced?.((await queries.estimate(statement)).bytes)
  for await (const {rows} of queries.answer(statement, PAGE_ROWS))
    yield rows.map(([idemKey, payload]) => ({idemKey: String(idemKey), payload: String(payload)}))
}
