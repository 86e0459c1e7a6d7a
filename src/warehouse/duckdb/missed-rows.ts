import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import {rowsAreMissed, TELL_OF_ROWS} from '../missed-rows.ts'
import {tableExists} from './definitions.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'

/** Throws where the log tells of rows, and there is no table of them. */
export async function assertRowsAreNotMissed(connection: DuckDBConnection, tables: TableSet): Promise<void> {
  const {eventLog, rawObjects} = tables
  if ((await tableExists(connection, rawObjects)) || !(await tableExists(connection, eventLog))) return
  const told = await rowsOf(
    connection,
    `SELECT 1 FROM ${tableNamed(eventLog)} WHERE event_type IN (${TELL_OF_ROWS.map(literal).join(', ')}) LIMIT 1`,
  )
  if (told.length > 0) throw rowsAreMissed(tables)
}
