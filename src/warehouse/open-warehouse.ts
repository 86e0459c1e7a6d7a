import {tmpdir} from 'node:os'

import type {WarehouseConfig} from '../config/config.ts'
import {parseDuration} from '../base/time.ts'
import type {Warehouse} from './warehouse.ts'

const PATIENCE = 10_000
/** Of commands that run no job: what ends their wait is the end of the process. */
const OUTSIDE_OF_RUNS: OpenOptions = {temporaryFolder: tmpdir(), signal: new AbortController().signal}

export interface OpenOptions {
  readonly temporaryFolder: string
  readonly signal: AbortSignal
}

export const warehouseName = ({type}: WarehouseConfig): Warehouse['kind'] => (type === 'duckdb' ? 'DuckDB' : 'BigQuery')

/** Loads the client of the configured warehouse, which is slow, and opens nothing yet. */
export async function openWarehouse(
  config: WarehouseConfig,
  {temporaryFolder, signal}: OpenOptions = OUTSIDE_OF_RUNS,
): Promise<Warehouse> {
  if (config.type === 'bigquery') {
    const {BigQueryWarehouse} = await import('./bigquery/warehouse.ts')
    return new BigQueryWarehouse({...config, touchAfter: parseDuration(config.touchAfter)}, signal)
  }
  const {DuckDBWarehouse} = await import('./duckdb/warehouse.ts')
  return new DuckDBWarehouse({path: config.path, temporaryFolder, patience: PATIENCE}, signal)
}
