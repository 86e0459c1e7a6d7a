import type {DuckDBConnection} from '@duckdb/node-api'

import type {Event} from '../../model/events.ts'
import {EVENT_LOG, type ColumnType, type TableSet} from '../../model/tables.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

const names = EVENT_LOG.columns.map(({name}) => name)
const JSON_TYPES: Record<ColumnType, string> = {STRING: 'VARCHAR', JSON: 'JSON', TIMESTAMP: 'TIMESTAMPTZ'}

export async function insertEvents(
  connection: DuckDBConnection,
  tables: TableSet,
  events: readonly Event[],
): Promise<void> {
  const values = EVENT_LOG.columns.map(({name, type}) => `$${name}::${JSON_TYPES[type]}`)
  for (const event of events) {
    await connection.run(
      `INSERT INTO ${tableNamed(tables.eventLog)} (${names.join(', ')}) VALUES (${values.join(', ')})`,
      {...event, payload: event.payload === null ? null : JSON.stringify(event.payload)},
    )
  }
}

/** Inserts what stands in files of NDJSON, one `Event` a line. */
export async function insertEventFiles(
  connection: DuckDBConnection,
  tables: TableSet,
  files: readonly string[],
): Promise<void> {
  if (files.length === 0) return
  await connection.run(
    `INSERT INTO ${tableNamed(tables.eventLog)} (${names.join(', ')}) SELECT ${names.join(', ')} FROM ${eventsIn(files)}`,
  )
}

export async function countFirstRejects(
  connection: DuckDBConnection,
  tables: TableSet,
  files: readonly string[],
): Promise<number> {
  if (files.length === 0) return 0
  const rejects = `SELECT DISTINCT source_system, object_type, (payload->>'$.reference') AS reference`
  const [row] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE AS first_rejects
     FROM (${rejects} FROM ${eventsIn(files)} WHERE event_type = 'record.rejected')
     ANTI JOIN (${rejects} FROM ${tableNamed(tables.eventLog)} WHERE event_type = 'record.rejected' AND ${isNotUndone(tables)})
     USING (source_system, object_type, reference)`,
  )
  return Number(row?.['first_rejects'])
}

function eventsIn(files: readonly string[]): string {
  const columns = EVENT_LOG.columns.map(({name, type}) => `${name}: ${literal(JSON_TYPES[type])}`)
  return `read_json([${files.map(literal).join(', ')}], format = 'newline_delimited', columns = {${columns.join(', ')}})`
}
