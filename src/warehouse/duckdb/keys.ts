import {join} from 'node:path'

import type {DuckDBConnection} from '@duckdb/node-api'

import type {Stream} from '../../source.ts'
import {literal, tableNamed} from './sql.ts'

/** Copies the streams' keys into a Parquet file in `folder`; the warehouse's file is free again afterwards. */
export async function exportKeys(
  connection: DuckDBConnection,
  table: string,
  streams: readonly Stream[],
  folder: string,
): Promise<string> {
  const file = join(folder, 'known.parquet')
  const wanted = streams.map(
    ({sourceSystem, objectType}) =>
      `(source_system = ${literal(sourceSystem)} AND object_type = ${literal(objectType)})`,
  )
  await connection.run(
    `COPY (SELECT idem_key FROM ${tableNamed(table)} WHERE ${wanted.join(' OR ')}) TO ${literal(file)} (FORMAT parquet)`,
  )
  return file
}
