import {tmpdir} from 'node:os'

import type {WarehouseConfig} from '../config/config.ts'
import type {OpenOptions} from './kind.ts'
import {kindOf} from './kinds.ts'
import type {Warehouse} from './warehouse.ts'

/** Commands that run no job wait until the process ends. */
const OUTSIDE_OF_RUNS: OpenOptions = {temporaryFolder: tmpdir(), signal: new AbortController().signal}

/** Gives the configured warehouse, whose client is loaded now where it was not, and opens nothing yet. */
export async function openWarehouse(
  config: WarehouseConfig,
  options: OpenOptions = OUTSIDE_OF_RUNS,
): Promise<Warehouse> {
  return kindOf(config).open(config.settings, options)
}
