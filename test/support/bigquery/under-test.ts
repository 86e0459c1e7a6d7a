import {readdir} from 'node:fs/promises'

import {openKeyIndex} from '../../../src/warehouse/duckdb/key-index.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import {builtInMetadata, definitionsOf} from '../../../src/warehouse/bigquery/table-metadata.ts'
import {change, query as queryDuckDB} from '../database.ts'
import {databaseIn, PRODUCTION, scriptedRun} from '../scripted-run.ts'
import type {WarehouseUnderTest} from './contract.ts'
import {call, PROJECT, query, type Emulator} from './emulator.ts'

export interface BigQueryUnderTest extends WarehouseUnderTest {
  readonly dataset: string
  query(sql: string): Promise<readonly Readonly<Record<string, string | null>>[]>
  createProduction(): Promise<void>
}

interface BigQueryBench {
  readonly emulator: Emulator
  readonly folder: string
  /** In front of the emulator. */
  readonly endpoint?: string
}

/** A dataset of the test's own. */
export async function bigQueryUnderTest({emulator, folder, endpoint}: BigQueryBench): Promise<BigQueryUnderTest> {
  const {url} = emulator
  const dataset = await emulator.createDataset()
  const tables = async (): Promise<readonly string[]> => {
    const {tables: list = []} = (await call(url, 'GET', `/datasets/${dataset}/tables`)) as {
      tables?: {tableReference: {tableId: string}}[]
    }
    return list.map(({tableReference}) => tableReference.tableId).toSorted()
  }
  const rowsOf = async (table: string, columns: string) =>
    (await tables()).includes(table) ? query(url, `SELECT ${columns} FROM \`${PROJECT}.${dataset}.${table}\``) : []
  return {
    dataset,
    folder,
    tables,
    query: async (sql) => query(url, sql.replaceAll(/\{(\w+)\}/g, `\`${PROJECT}.${dataset}.$1\``)),
    run: async (run) =>
      scriptedRun({
        ...run,
        folder,
        warehouse: () =>
          new BigQueryWarehouse(
            {project: PROJECT, dataset, apiEndpoint: endpoint ?? url, openKeyIndex},
            run.signal ?? new AbortController().signal,
          ),
      }),
    stored: async (table = 'raw_objects') =>
      (
        await rowsOf(
          table,
          `idem_key, TO_JSON_STRING(payload) AS payload, UNIX_MILLIS(first_seen) AS first, UNIX_MILLIS(last_seen) AS last`,
        )
      )
        .map((row) => ({
          key: row['idem_key'] ?? '',
          payload: JSON.parse(row['payload'] ?? '') as unknown,
          firstSeen: Number(row['first']),
          lastSeen: Number(row['last']),
        }))
        .toSorted((one, other) => (one.key < other.key ? -1 : 1)),
    logged: async (table = 'event_log') =>
      (await rowsOf(table, 'event_type, correlation_id, error_message, payload'))
        .map((row) => ({
          type: row['event_type'] ?? '',
          runId: row['correlation_id'] ?? '',
          error: row['error_message'] ?? null,
          payload: JSON.parse(row['payload'] ?? 'null') as Record<string, unknown> | null,
        }))
        .toSorted((one, other) => (one.type < other.type ? -1 : 1)),
    async setLastSeen(milliseconds) {
      await query(
        url,
        `UPDATE \`${PROJECT}.${dataset}.raw_objects\` SET last_seen = TIMESTAMP_MILLIS(${milliseconds}) WHERE TRUE`,
      )
    },
    async createProduction() {
      for (const [tableId, definition] of definitionsOf(PRODUCTION)) {
        const tableReference = {projectId: PROJECT, datasetId: dataset, tableId}
        await call(url, 'POST', `/datasets/${dataset}/tables`, {tableReference, ...builtInMetadata(definition)})
      }
    },
  }
}

export function duckDBUnderTest(folder: string): WarehouseUnderTest {
  const path = databaseIn(folder)
  const tables = async (): Promise<readonly string[]> => {
    if (!(await readdir(folder)).includes('warehouse.duckdb')) return []
    const rows = await queryDuckDB(path, 'SELECT table_name FROM duckdb_tables() ORDER BY 1')
    return rows.map((row) => String(row['table_name']))
  }
  const rowsOf = async (table: string, columns: string, order: string) =>
    (await tables()).includes(table) ? queryDuckDB(path, `SELECT ${columns} FROM ${table} ORDER BY ${order}`) : []
  return {
    folder,
    tables,
    run: async (run) => scriptedRun({...run, folder}),
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
        runId: String(row['correlation_id']),
        error: row['error_message'] === null ? null : String(row['error_message']),
        payload: JSON.parse(String(row['payload'] ?? 'null')) as Record<string, unknown> | null,
      })),
    async setLastSeen(milliseconds) {
      await change(path, `UPDATE raw_objects SET last_seen = epoch_ms(${milliseconds})::TIMESTAMP AT TIME ZONE 'UTC'`)
    },
  }
}
