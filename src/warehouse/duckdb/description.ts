import {stat} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'

import {hasCode} from '../../base/system-error.ts'
import {FROM_THE_START, islands, SCOPE} from '../coverage-sql.ts'
import {describedStreams} from '../described-streams.ts'
import type {TableSet} from '../../model/tables.ts'
import type {DescribedStream, DescribedTable} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {rowsOf, tableNamed} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

/** DuckDB keeps all tables in one file and cannot say what one of them takes. */
export const bytesOf = async (path: string): Promise<number> => (await stat(path)).size

export async function describeTable(connection: DuckDBConnection, name: string): Promise<DescribedTable> {
  if (!(await tableExists(connection, name))) return {name, exists: false}
  const [row] = await rowsOf(connection, `SELECT count(*)::DOUBLE AS rows FROM ${tableNamed(name)}`)
  return {name, exists: true, rows: Number(row?.['rows'])}
}

export async function describeStreams(
  connection: DuckDBConnection,
  tables: TableSet,
): Promise<readonly DescribedStream[]> {
  if (!(await tableExists(connection, tables.eventLog))) return []
  const scope = SCOPE.join(', ')
  const rows = await rowsOf(
    connection,
    `WITH windows AS (
       SELECT payload->>'$.job' AS job, payload->>'$.account' AS account, source_system, object_type,
              payload->>'$.selection' AS selection, epoch_ms(created_at)::DOUBLE AS committed,
              coalesce(epoch_ms((payload->>'$.window.since')::TIMESTAMPTZ), ${FROM_THE_START})::DOUBLE AS since,
              epoch_ms((payload->>'$.window.until')::TIMESTAMPTZ)::DOUBLE AS until
       FROM ${tableNamed(tables.eventLog)}
       WHERE event_type = 'ingestion.completed' AND status = 'ok' AND (payload->>'$.schema') = '1'
         AND (payload->>'$.limited') = 'false' AND ${isNotUndone(tables)}
     ), ${islands(SCOPE)}
     SELECT ${scope}, min(since) AS since, max(until) AS until, max(committed) AS committed
     FROM islands GROUP BY ${scope}, island ORDER BY ${scope}, since`,
  )
  return describedStreams(rows)
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await stat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}
