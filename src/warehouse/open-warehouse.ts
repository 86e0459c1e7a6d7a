import type {WarehouseConfig} from '../config.ts'
import {usageError} from '../errors.ts'
import type {Warehouse} from './warehouse.ts'

const PATIENCE = 10_000

export interface OpenOptions {
  readonly temporaryFolder: string
  readonly signal: AbortSignal
}

export const warehouseName = ({type}: WarehouseConfig): Warehouse['kind'] => (type === 'duckdb' ? 'DuckDB' : 'BigQuery')

/** Loads the client of the configured warehouse, which is slow, and opens nothing yet. */
export async function openWarehouse(config: WarehouseConfig, options: OpenOptions): Promise<Warehouse> {
  const {temporaryFolder, signal} = options
  if (config.type === 'bigquery') {
    throw usageError(
      'this version of lorchestra cannot write to BigQuery yet',
      'Use warehouse: {type: duckdb}, or --dry-run with --since, which needs no warehouse.',
    )
  }
  const {DuckDBWarehouse} = await import('./duckdb/warehouse.ts')
  return new DuckDBWarehouse({path: config.path, temporaryFolder, patience: PATIENCE}, signal)
}
