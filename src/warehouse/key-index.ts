import {DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection} from '@duckdb/node-api'

import type {KeyIndex, SomeKeys} from './stored-keys.ts'

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
    has: async (idemKeys) => keysIn(connection, 'known', idemKeys),
    async compareListed(listed, most) {
      await connection.run('CREATE TABLE listed (idem_key VARCHAR)')
      for await (const keys of listed)
        await connection.run(
          'INSERT INTO listed SELECT unnest($keys)',
          {keys: listValue([...keys])},
          {keys: LIST(VARCHAR)},
        )
      return {
        listed: await countOf(connection, 'listed'),
        stored: await countOf(connection, 'known'),
        gone: await keysOnlyIn(connection, 'known', 'listed', most),
        missing: await keysOnlyIn(connection, 'listed', 'known', most),
      }
    },
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Answers with those of the keys that a table holds. */
export async function keysIn(
  connection: DuckDBConnection,
  table: string,
  idemKeys: readonly string[],
): Promise<ReadonlySet<string>> {
  const reader = await connection.runAndReadAll(
    `SELECT DISTINCT idem_key FROM ${table} SEMI JOIN (SELECT unnest($keys) AS idem_key) USING (idem_key)`,
    {keys: listValue([...idemKeys])},
    {keys: LIST(VARCHAR)},
  )
  return new Set(reader.getRows().map(([key]) => String(key)))
}

type KeyTable = 'known' | 'listed'

async function countOf(connection: DuckDBConnection, table: KeyTable): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(DISTINCT idem_key)::DOUBLE FROM ${table}`)
  return Number(reader.getRows()[0]?.[0])
}

async function keysOnlyIn(
  connection: DuckDBConnection,
  one: KeyTable,
  other: KeyTable,
  most: number,
): Promise<SomeKeys> {
  const only = `SELECT DISTINCT idem_key FROM ${one} ANTI JOIN ${other} USING (idem_key)`
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM (${only})`)
  const named = await connection.runAndReadAll(`${only} ORDER BY idem_key LIMIT ${most}`)
  return {count: Number(counted.getRows()[0]?.[0]), keys: named.getRows().map(([key]) => String(key))}
}
