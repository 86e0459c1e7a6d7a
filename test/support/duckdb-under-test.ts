import {readdir} from 'node:fs/promises'
import {join} from 'node:path'

import {DuckDBWarehouse} from '../../src/warehouse/duckdb/warehouse.ts'
import {change, query} from './database.ts'
import {runApart} from './run-apart.ts'
import {databaseIn, LOCK_TIMEOUT, scriptedRun} from './scripted-run.ts'
import type {ByHandUnderTest} from './warehouse-contract.ts'

/** A DuckDB file of the test's own. */
export function duckDBUnderTest(folder: string): ByHandUnderTest {
  const path = databaseIn(folder)
  const tables = async (): Promise<readonly string[]> => {
    if (!(await readdir(folder)).includes('warehouse.duckdb')) return []
    const rows = await query(path, 'SELECT table_name FROM duckdb_tables() ORDER BY 1')
    return rows.map((row) => String(row['table_name']))
  }
  const rowsOf = async (table: string, columns: string, order: string) =>
    (await tables()).includes(table) ? query(path, `SELECT ${columns} FROM ${table} ORDER BY ${order}`) : []
  return {
    folder,
    tables,
    open: (signal = new AbortController().signal) =>
      new DuckDBWarehouse({path, temporaryFolder: join(folder, 'spool', 'opened'), lockTimeout: LOCK_TIMEOUT}, signal),
    run: async (run) => scriptedRun({...run, folder}),
    runApart: async (runs) => runApart(runs.map((run) => ({...run, folder}))),
    async query(sql) {
      const named = sql.replaceAll(/\{(\w+)\}/g, '"$1"')
      if (/^(SELECT|FROM|WITH)/.test(named)) return query(path, named)
      await change(path, named)
      return []
    },
    stored: async (table = 'raw_objects') =>
      (
        await rowsOf(table, '*, epoch_ms(first_seen)::DOUBLE AS first, epoch_ms(last_seen)::DOUBLE AS last', 'idem_key')
      ).map((row) => ({
        key: String(row['idem_key']),
        payload: JSON.parse(String(row['payload'])) as unknown,
        firstSeen: Number(row['first']),
        lastSeen: Number(row['last']),
      })),
    logged: async (table = 'event_log') =>
      (await rowsOf(table, '*', 'event_type')).map((row) => ({
        type: String(row['event_type']),
        objectType: row['object_type'] === null ? null : String(row['object_type']),
        runId: String(row['correlation_id']),
        error: row['error_message'] === null ? null : String(row['error_message']),
        payload: JSON.parse(String(row['payload'] ?? 'null')) as Record<string, unknown> | null,
      })),
    async removeRow(table, key) {
      await change(path, `DELETE FROM ${table} WHERE idem_key = '${key}'`)
    },
    async edit(key, payload) {
      await change(path, `UPDATE raw_objects SET payload = '${JSON.stringify(payload)}' WHERE idem_key = '${key}'`)
    },
    async copyRow(key, copy) {
      await change(
        path,
        `INSERT INTO raw_objects SELECT * REPLACE ('${copy}' AS idem_key) FROM raw_objects WHERE idem_key = '${key}'`,
      )
    },
    async setLastSeen(milliseconds) {
      await change(path, `UPDATE raw_objects SET last_seen = epoch_ms(${milliseconds})::TIMESTAMP AT TIME ZONE 'UTC'`)
    },
  }
}
