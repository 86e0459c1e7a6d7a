import {join} from 'node:path'

import {DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection} from '@duckdb/node-api'

import type {Stream} from '../source.ts'
import type {KeyIndex} from './warehouse.ts'
import {MEMORY_LIMIT} from './duckdb/connection.ts'
import {identifier, literal} from './duckdb/sql.ts'

/** Copies the streams' keys out of the warehouse, whose file is free again afterwards. */
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
    `COPY (SELECT idem_key FROM ${identifier(table)} WHERE ${wanted.join(' OR ')}) TO ${literal(file)} (FORMAT parquet)`,
  )
  return file
}

/** In memory, spilling into `folder`. */
export async function openKeyIndex(file: string, folder: string): Promise<KeyIndex> {
  const instance = await DuckDBInstance.create(':memory:', {memory_limit: `${MEMORY_LIMIT}B`, temp_directory: folder})
  const connection = await instance.connect()
  await connection.run(`CREATE TABLE known AS SELECT idem_key FROM read_parquet(${literal(file)})`)
  return {
    async has(idemKeys) {
      const reader = await connection.runAndReadAll(
        'SELECT DISTINCT idem_key FROM known SEMI JOIN (SELECT unnest($keys) AS idem_key) USING (idem_key)',
        {keys: listValue([...idemKeys])},
        {keys: LIST(VARCHAR)},
      )
      return new Set(reader.getRows().map(([key]) => String(key)))
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}
