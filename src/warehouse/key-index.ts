import {DuckDBInstance, LIST, listValue, VARCHAR} from '@duckdb/node-api'

import type {KeyIndex} from './warehouse.ts'

/** DuckDB keeps below this; bytes. */
const MEMORY_LIMIT = 512_000_000

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Writes the `idem_key`s of NDJSON into a Parquet file. */
export async function toParquet(lines: string, file: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {threads: '1', memory_limit: '256MB'})
  try {
    const connection = await instance.connect()
    await connection.run(
      `COPY (SELECT * FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {idem_key: 'VARCHAR'}))
       TO ${literal(file)} (FORMAT parquet)`,
    )
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

/** Searches a Parquet file of keys, millions of them in a bounded memory: what does not fit spills into `folder`. */
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
