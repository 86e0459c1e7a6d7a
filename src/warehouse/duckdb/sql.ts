import type {DuckDBConnection, DuckDBValue} from '@duckdb/node-api'

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

export type Row = Readonly<Record<string, DuckDBValue>>

export async function rowsOf(
  connection: DuckDBConnection,
  sql: string,
  values: Record<string, DuckDBValue> = {},
): Promise<readonly Row[]> {
  const reader = await connection.runAndReadAll(sql, values)
  return reader.getRowObjects()
}
