import {join} from 'node:path'

import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {literal, tableNamed} from './sql.ts'
import {ofStreams} from './staging.ts'
import {isNotUndone} from './undone-runs.ts'

/** Copies the streams' keys into a Parquet file in `folder`; the warehouse's file is free again afterwards. */
export async function exportKeys(
  connection: DuckDBConnection,
  tables: TableSet,
  streams: readonly Stream[],
  {folder, seenBefore}: {readonly folder: string; readonly seenBefore?: Date | undefined},
): Promise<string> {
  const file = join(folder, 'known.parquet')
  const keys =
    seenBefore === undefined
      ? `SELECT idem_key, false AS untold FROM ${tableNamed(tables.rawObjects)} WHERE ${ofStreams(streams)}`
      : keysAndUntold(tables, streams, seenBefore)
  await connection.run(`COPY (${keys}) TO ${literal(file)} (FORMAT parquet)`)
  return file
}

/** A row is told of where an event says that it was deleted, and nobody has seen it since. */
const keysAndUntold = (tables: TableSet, streams: readonly Stream[], seenBefore: Date): string =>
  `SELECT idem_key, last_seen < ${literal(seenBefore.toISOString())}::TIMESTAMPTZ AND coalesce(told < last_seen, true) AS untold
   FROM (SELECT idem_key, last_seen FROM ${tableNamed(tables.rawObjects)} WHERE ${ofStreams(streams)})
   LEFT JOIN (SELECT idem_key, max(created_at) AS told FROM ${tableNamed(tables.eventLog)}
              WHERE event_type = 'object.deleted' AND status = 'ok' AND ${ofStreams(streams)} AND ${isNotUndone(tables)}
              GROUP BY idem_key) USING (idem_key)`
