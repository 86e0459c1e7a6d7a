import {BigQueryWarehouse, type BigQueryOptions} from '../../../src/warehouse/bigquery/warehouse.ts'
import {definitionsOf} from '../../../src/model/tables.ts'
import {writtenByProcess, writtenIn} from '../../../src/model/run-mode.ts'
import {nameIn} from '../../../src/warehouse/bigquery/names.ts'
import {builtInMetadata} from '../../../src/warehouse/bigquery/table-metadata.ts'
import {runApart} from '../run-apart.ts'
import {PRODUCTION, scriptedRun} from '../scripted-run.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import type {WarehouseUnderTest} from '../warehouse-contract.ts'
import {call, PROJECT, query, type Emulator} from './emulator.ts'

export interface BigQueryUnderTest extends WarehouseUnderTest {
  readonly dataset: string
  /** For a process of its own. */
  readonly connection: BigQueryOptions
  query(sql: string): Promise<readonly Readonly<Record<string, string | null>>[]>
  createProduction(): Promise<void>
}

interface BigQueryBench {
  readonly emulator: Emulator
  readonly folder: string
  /** In front of the emulator. */
  readonly endpoint?: string
  readonly touchAfter?: number
  readonly idleTimeout?: number
  /** Test tables get a dataset of their own. */
  readonly isApart?: boolean
}

/** A dataset of the test's own in the emulator. */
export async function bigQueryUnderTest({
  emulator,
  folder,
  endpoint,
  touchAfter = 0,
  idleTimeout,
  isApart = false,
}: BigQueryBench): Promise<BigQueryUnderTest> {
  const dataset = await emulator.createDataset()
  const connection = {
    project: PROJECT,
    dataset,
    apiEndpoint: endpoint ?? emulator.url,
    touchAfter,
    ...(idleTimeout !== undefined && {idleTimeout}),
    ...(isApart && {testDataset: await emulator.createDataset()}),
  }
  return underTestIn(connection, directlyTo(emulator), folder)
}

/** Past everything of ours. */
export const directlyTo = ({url}: Emulator): DirectService => ({
  call: async (method, path, body) => call(url, method, path, body),
  query: async (sql) => query(url, sql),
})

/** A way to the service past everything of ours. */
export interface DirectService {
  /** Behind the project's name. */
  call(method: string, path: string, body?: object): Promise<unknown>
  query(sql: string): Promise<readonly Readonly<Record<string, string | null>>[]>
}

export function underTestIn(connection: BigQueryOptions, service: DirectService, folder: string): BigQueryUnderTest {
  const {project, dataset} = connection
  const named = (table: string): string => `\`${nameIn(connection, table)}\``
  const tables = async (): Promise<readonly string[]> => {
    const found: string[] = []
    for (const one of [dataset, connection.testDataset, connection.stagingDataset]) {
      if (one === undefined) continue
      const {tables: list = []} = (await service.call('GET', `/datasets/${one}/tables`)) as {
        tables?: {tableReference: {tableId: string}}[]
      }
      found.push(...list.map(({tableReference}) => tableReference.tableId))
    }
    return found.toSorted()
  }
  const rowsOf = async (table: string, columns: string) =>
    (await tables()).includes(table) ? service.query(`SELECT ${columns} FROM ${named(table)}`) : []
  const open = (signal = new AbortController().signal, writes = writtenByProcess()): Warehouse =>
    new BigQueryWarehouse({...connection, writes}, signal)
  return {
    dataset,
    connection,
    folder,
    tables,
    open,
    query: async (sql) => service.query(sql.replaceAll(/\{(\w+)\}/g, (_braces, table: string) => named(table))),
    run: async (run) =>
      scriptedRun({
        ...run,
        folder,
        warehouse: () => {
          const real = open(run.signal, writtenIn(run.mode ?? 'production'))
          return run.warehouse?.(real) ?? real
        },
      }),
    runApart: async (runs) => runApart(runs.map((run) => ({...run, folder, bigQuery: connection}))),
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
      (await rowsOf(table, 'event_type, object_type, correlation_id, error_message, payload'))
        .map((row) => ({
          type: row['event_type'] ?? '',
          objectType: row['object_type'] ?? null,
          runId: row['correlation_id'] ?? '',
          error: row['error_message'] ?? null,
          payload: JSON.parse(row['payload'] ?? 'null') as Record<string, unknown> | null,
        }))
        .toSorted((one, other) => (one.type < other.type ? -1 : 1)),
    async removeRow(table, key) {
      await service.query(`DELETE FROM ${named(table)} WHERE idem_key = '${key}'`)
    },
    async edit(key, payload) {
      await service.query(
        `UPDATE \`${project}.${dataset}.raw_objects\` SET payload = JSON '${JSON.stringify(payload)}' WHERE idem_key = '${key}'`,
      )
    },
    async copyRow(key, copy) {
      const table = named('raw_objects')
      await service.query(
        `INSERT INTO ${table} SELECT * REPLACE ('${copy}' AS idem_key) FROM ${table} WHERE idem_key = '${key}'`,
      )
    },
    async setLastSeen(milliseconds) {
      await service.query(
        `UPDATE \`${project}.${dataset}.raw_objects\` SET last_seen = TIMESTAMP_MILLIS(${milliseconds}) WHERE TRUE`,
      )
    },
    async createProduction() {
      for (const [tableId, definition] of definitionsOf(PRODUCTION)) {
        const tableReference = {projectId: project, datasetId: dataset, tableId}
        await service.call('POST', `/datasets/${dataset}/tables`, {tableReference, ...builtInMetadata(definition)})
      }
    },
  }
}
