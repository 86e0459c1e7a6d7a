import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {assertStreamsTaken, STAYING_FIRST, type SurplusOfStream, type SurplusRemoval} from '../surplus-rows.ts'
import {tableExists} from './definitions.ts'
import {insertEvents} from './events.ts'
import {rowsOf, tableNamed} from './sql.ts'

/** Counts the rows of `raw_objects` beyond the first one of their key. */
export async function countSurplusRows(connection: DuckDBConnection, tables: TableSet): Promise<number> {
  if (!(await tableExists(connection, tables.rawObjects))) return 0
  const [row] = await rowsOf(
    connection,
    `SELECT (count(*) - count(DISTINCT idem_key))::DOUBLE AS surplus FROM ${tableNamed(tables.rawObjects)}`,
  )
  return Number(row?.['surplus'])
}

/** Counts the rows that are too many, by the streams of all rows of their keys. */
export async function findSurplusRows(
  connection: DuckDBConnection,
  tables: TableSet,
): Promise<readonly SurplusOfStream[]> {
  if (!(await tableExists(connection, tables.rawObjects))) return []
  const rows = await rowsOf(
    connection,
    `SELECT source_system, object_type, count(*) FILTER (place > 1)::DOUBLE AS rows,
            count(DISTINCT idem_key) FILTER (place > 1)::DOUBLE AS keys
     FROM (${rowsInOrder(tables)}) GROUP BY ALL ORDER BY ALL`,
  )
  return rows.map((row) => ({
    stream: {sourceSystem: String(row['source_system']), objectType: String(row['object_type'])},
    keys: Number(row['keys']),
    rows: Number(row['rows']),
  }))
}

/** Removes rows of these streams within the caller's transaction, and then writes the events. */
export async function removeSurplusRows(
  connection: DuckDBConnection,
  {tables, streams}: {readonly tables: TableSet; readonly streams: readonly Stream[]},
  {events}: SurplusRemoval,
): Promise<readonly SurplusOfStream[]> {
  const found = await findSurplusRows(connection, tables)
  assertStreamsTaken(found, streams)
  await connection.run(
    `DELETE FROM ${tableNamed(tables.rawObjects)}
     WHERE rowid IN (SELECT row_id FROM (${rowsInOrder(tables)}) WHERE place > 1)`,
  )
  await insertEvents(connection, tables, events(found))
  return found
}

/** Selects the rows of all keys that have several, with their places. */
function rowsInOrder({rawObjects}: TableSet): string {
  const table = tableNamed(rawObjects)
  return `SELECT rowid AS row_id, idem_key, source_system, object_type,
            row_number() OVER (PARTITION BY idem_key ORDER BY ${STAYING_FIRST}, rowid) AS place
     FROM ${table} WHERE idem_key IN (SELECT idem_key FROM ${table} GROUP BY idem_key HAVING count(*) > 1)`
}
