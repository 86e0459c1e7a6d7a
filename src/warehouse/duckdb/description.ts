import {access, constants, stat} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'

import {failure} from '../../base/errors.ts'
import {hasCode} from '../../base/system-error.ts'
import {joinIslands} from '../described-streams.ts'
import type {TableSet} from '../../model/tables.ts'
import type {DescribedStream, DescribedTable} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {identifier, rowsOf} from './sql.ts'

const FROM_THE_START = -9e15

/** DuckDB keeps all tables in one file and cannot say what one of them takes. */
export const bytesOf = async (path: string): Promise<number> => (await stat(path)).size

export async function describeTable(connection: DuckDBConnection, name: string): Promise<DescribedTable> {
  if (!(await tableExists(connection, name))) return {name, exists: false}
  const [row] = await rowsOf(connection, `SELECT count(*)::DOUBLE AS rows FROM ${identifier(name)}`)
  return {name, exists: true, rows: Number(row?.['rows'])}
}

export async function describeStreams(
  connection: DuckDBConnection,
  tables: TableSet,
): Promise<readonly DescribedStream[]> {
  if (!(await tableExists(connection, tables.eventLog))) return []
  const rows = await rowsOf(
    connection,
    `WITH windows AS (
       SELECT payload->>'$.job' AS job, payload->>'$.account' AS account, source_system, object_type,
              payload->>'$.selection' AS selection, epoch_ms(created_at)::DOUBLE AS committed,
              coalesce(epoch_ms((payload->>'$.window.since')::TIMESTAMPTZ), ${FROM_THE_START})::DOUBLE AS since,
              epoch_ms((payload->>'$.window.until')::TIMESTAMPTZ)::DOUBLE AS until
       FROM ${identifier(tables.eventLog)}
       WHERE event_type = 'ingestion.completed' AND status = 'ok' AND (payload->>'$.schema') = '1'
         AND (payload->>'$.limited') = 'false'
     ), reach AS (
       SELECT *, max(until) OVER (PARTITION BY job, account, source_system, object_type, selection ORDER BY since, until
                                  ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS reached
       FROM windows
     ), islands AS (
       SELECT *, sum(CASE WHEN reached >= since THEN 0 ELSE 1 END)
                   OVER (PARTITION BY job, account, source_system, object_type, selection ORDER BY since, until) AS island
       FROM reach
     )
     SELECT job, account, source_system, object_type, selection, min(since) AS since, max(until) AS until, max(committed) AS committed
     FROM islands GROUP BY job, account, source_system, object_type, selection, island
     ORDER BY job, account, source_system, object_type, selection, since`,
  )
  return joinIslands(
    rows.map((row) => ({
      job: String(row['job']),
      account: typeof row['account'] === 'string' ? row['account'] : null,
      stream: {sourceSystem: String(row['source_system']), objectType: String(row['object_type'])},
      selection: String(row['selection']),
      lastCommit: Number(row['committed']),
      covered: [
        {since: Number(row['since']) <= FROM_THE_START ? -Infinity : Number(row['since']), until: Number(row['until'])},
      ],
    })),
  )
}

/** Counts the rows of `raw_objects` beyond the first one of their key. */
export async function countSurplusRows(connection: DuckDBConnection, tables: TableSet): Promise<number> {
  if (!(await tableExists(connection, tables.rawObjects))) return 0
  const [row] = await rowsOf(
    connection,
    `SELECT (count(*) - count(DISTINCT idem_key))::DOUBLE AS surplus FROM ${identifier(tables.rawObjects)}`,
  )
  return Number(row?.['surplus'])
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

export async function assertIsWritable(path: string): Promise<void> {
  try {
    await access(path, constants.W_OK)
  } catch (error) {
    throw failure(`${path} cannot be written`, 'Give this user the right to write it, or set warehouse.path.', error)
  }
}
