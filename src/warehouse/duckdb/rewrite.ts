import {randomBytes} from 'node:crypto'

import type {DuckDBConnection} from '@duckdb/node-api'

import {createMissingCopy} from './definitions.ts'
import {identifier, rowsOf, tableNamed} from './sql.ts'

const TABLE = `(
  FROM duckdb_tables()
  WHERE database_name = current_database() AND schema_name = current_schema() AND lower(table_name) = lower($table)
) AS found`

/** Nothing belongs to it but its definition: a table with indexes, foreign keys or comments stays where it is. */
export async function isOnItsOwn(connection: DuckDBConnection, table: string): Promise<boolean> {
  const [found] = await rowsOf(
    connection,
    `SELECT comment IS NULL AND cardinality(tags) = 0
            AND NOT EXISTS (FROM duckdb_dependencies() WHERE objid = table_oid)
            AND NOT EXISTS (
              FROM duckdb_columns() AS own
              WHERE own.database_oid = found.database_oid AND own.table_oid = found.table_oid AND own.comment IS NOT NULL
            ) AS on_its_own
     FROM ${TABLE}`,
    {table},
  )
  return found?.['on_its_own'] === true
}

/**
 * Where most rows of a table change it is sooner written anew: a row that is deleted and inserted is taken out of the
 * index of the primary key and put in again, one by one, which takes several times as long as writing it. Keeps what
 * `kept` selects from the former table. Nobody sees anything before the caller's transaction ends.
 */
export async function rewriteTable(
  connection: DuckDBConnection,
  table: string,
  kept: (former: string) => string,
): Promise<void> {
  const former = `former_${randomBytes(9).toString('hex')}`
  const [found] = await rowsOf(connection, `SELECT table_name FROM ${TABLE}`, {table})
  await connection.run(`ALTER TABLE ${tableNamed(table)} RENAME TO ${identifier(former)}`)
  await createMissingCopy(connection, String(found?.['table_name']), former)
  await connection.run(`INSERT INTO ${tableNamed(table)} BY NAME ${kept(tableNamed(former))}`)
  await connection.run(`DROP TABLE ${tableNamed(former)}`)
}
