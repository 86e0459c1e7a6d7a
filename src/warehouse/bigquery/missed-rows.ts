import type {TableSet} from '../../model/tables.ts'
import {rowsAreMissed, TELL_OF_ROWS} from '../missed-rows.ts'
import type {Connection} from './connection.ts'
import type {Queries} from './query.ts'
import {literal} from './sql.ts'
import {findTable} from './table-metadata.ts'

/** Throws where the log tells of rows; their table was looked for and is not there. */
export async function assertNoRowsAreMissed(connection: Connection, queries: Queries, tables: TableSet): Promise<void> {
  if ((await findTable(connection, tables.eventLog)) === undefined) return
  const told = await queries.rows({
    sql: `SELECT 'row' AS told FROM ${connection.tableName(tables.eventLog)} WHERE event_type IN (${TELL_OF_ROWS.map(literal).join(', ')}) LIMIT 1`,
    what: `looking whether rows of ${tables.rawObjects} are missed`,
  })
  if (told.length > 0) throw rowsAreMissed(tables)
}
