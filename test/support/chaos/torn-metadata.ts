import {existsSync} from 'node:fs'

import {withDatabase} from '../../../src/warehouse/duckdb/connection.ts'
import {backupOf} from '../../../src/warehouse/duckdb/metadata-backup.ts'
import {query} from '../database.ts'

/**
 * A kill may tear the one block that DuckDB rewrites in place; the next run mends it before it does anything else. Here
 * that is done as that run would, so that what the killed one left can be looked at. Returns whether it was torn; every
 * other damage is an error.
 */
export async function mendIfTorn(database: string): Promise<boolean> {
  if (!existsSync(database) || !existsSync(backupOf(database))) return false
  try {
    for (const row of await query(database, 'SELECT table_name FROM duckdb_tables()')) {
      const table = String(row['table_name'])
      await query(database, `SELECT sum(hash(stored)) FROM ${table} AS stored`)
    }
    return false
  } catch (error) {
    if (!(error instanceof Error) || !error.message.includes('checksum')) throw error
  }
  const options = {path: database, temporaryFolder: `${database}.temporary`, lockTimeout: 0}
  await withDatabase(options, 'write', undefined, () => Promise.resolve())
  return true
}
