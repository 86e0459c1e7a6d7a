import {DuckDBInstance, type Json} from '@duckdb/node-api'

export type Rows = readonly Readonly<Record<string, Json>>[]

/** Looks into a DuckDB file from outside, as a user would. */
export async function query(path: string, sql: string): Promise<Rows> {
  const instance = await DuckDBInstance.create(path, {access_mode: 'READ_ONLY'})
  try {
    const connection = await instance.connect()
    const reader = await connection.runAndReadAll(sql)
    const rows = reader.getRowObjectsJson()
    connection.closeSync()
    return rows
  } finally {
    instance.closeSync()
  }
}

export async function change(path: string, ...statements: readonly string[]): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  try {
    const connection = await instance.connect()
    for (const statement of statements) await connection.run(statement)
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

/** False where there is no database, or nothing in it. */
export async function hasTables(database: string): Promise<boolean> {
  try {
    return (await query(database, 'SELECT 1 FROM duckdb_tables()')).length > 0
  } catch (error) {
    // Killed before it made the file.
    if (error instanceof Error && error.message.includes('database does not exist')) return false
    throw error
  }
}

/** Payloads of events as objects, oldest first. */
export async function events(path: string, type: string): Promise<Rows> {
  const rows = await query(
    path,
    `SELECT * FROM event_log WHERE event_type = '${type}' ORDER BY created_at, payload->>'$.window.until', rowid`,
  )
  return rows.map((row) => ({
    ...row,
    payload: row['payload'] === null ? null : (JSON.parse(String(row['payload'])) as Json),
  }))
}
