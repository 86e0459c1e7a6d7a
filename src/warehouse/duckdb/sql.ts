import type {DuckDBConnection, DuckDBValue} from '@duckdb/node-api'

export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`
/** Names a table so that nothing else can be meant: a common table expression may have the name that a user chose. */
export const tableNamed = (name: string): string => `main.${identifier(name)}`
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
