import {DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection} from '@duckdb/node-api'

import type {KeyIndex, SomeKeys} from './stored-keys.ts'

/** DuckDB keeps below this; bytes. */
const MEMORY_LIMIT = 512_000_000

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

/** Writes the `idem_key`s of NDJSON, and whether they are `untold`, into a Parquet file. */
export async function toParquet(lines: string, file: string): Promise<void> {
  const instance = await DuckDBInstance.create(':memory:', {threads: '1', memory_limit: '256MB'})
  try {
    const connection = await instance.connect()
    await connection.run(
      `COPY (SELECT * FROM read_json(${literal(lines)}, format = 'newline_delimited', columns = {idem_key: 'VARCHAR', untold: 'BOOLEAN'}))
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
  await connection.run(`CREATE TABLE known AS SELECT idem_key, untold FROM read_parquet(${literal(file)})`)
  return {
    has: async (idemKeys) => keysIn(connection, 'known', idemKeys),
    async compareListed(listed, most) {
      await fill(connection, 'listed', listed)
      await connection.run(
        'CREATE TABLE gone AS SELECT idem_key, bool_and(untold) AS untold FROM known ANTI JOIN listed USING (idem_key) GROUP BY idem_key',
      )
      return {
        listed: await countOf(connection, 'listed'),
        stored: await countOf(connection, 'known'),
        gone: await someOf(connection, 'SELECT idem_key FROM gone', most),
        untold: await countOf(connection, 'gone WHERE untold'),
        missing: await someOf(
          connection,
          'SELECT DISTINCT idem_key FROM listed ANTI JOIN known USING (idem_key)',
          most,
        ),
      }
    },
    async confirmGone(listed, most) {
      await fill(connection, 'listed_again', listed)
      await connection.run(
        'CREATE TABLE confirmed AS SELECT idem_key FROM gone ANTI JOIN listed_again USING (idem_key) WHERE untold',
      )
      return {
        ...(await someOf(connection, 'SELECT idem_key FROM confirmed', most)),
        listed: await countOf(connection, 'listed_again'),
        pages: () => pagesOf(connection, 'SELECT idem_key FROM confirmed'),
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

async function fill(
  connection: DuckDBConnection,
  table: string,
  listed: AsyncIterable<readonly string[]>,
): Promise<void> {
  await connection.run(`CREATE TABLE ${table} (idem_key VARCHAR)`)
  for await (const keys of listed)
    await connection.run(
      `INSERT INTO ${table} SELECT unnest($keys)`,
      {keys: listValue([...keys])},
      {keys: LIST(VARCHAR)},
    )
}

async function countOf(connection: DuckDBConnection, from: string): Promise<number> {
  const reader = await connection.runAndReadAll(`SELECT count(DISTINCT idem_key)::DOUBLE FROM ${from}`)
  return Number(reader.getRows()[0]?.[0])
}

async function someOf(connection: DuckDBConnection, select: string, most: number): Promise<SomeKeys> {
  const counted = await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM (${select})`)
  const named = await connection.runAndReadAll(`${select} ORDER BY idem_key LIMIT ${most}`)
  return {count: Number(counted.getRows()[0]?.[0]), keys: named.getRows().map(([key]) => String(key))}
}

async function* pagesOf(connection: DuckDBConnection, select: string): AsyncGenerator<readonly string[]> {
  const result = await connection.stream(select)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    yield chunk.getRows().map(([key]) => String(key))
  }
}
