import {parseDuration} from '../../base/time.ts'
import type {WarehouseKind} from '../kind.ts'
import type {DuckDBSettings} from './settings.ts'

/** Who has read nothing yet waits so many milliseconds for another program that has the file open. */
const LOCK_TIMEOUT = 10_000

export const duckdb: WarehouseKind<DuckDBSettings> = {
  type: 'duckdb',
  name: 'DuckDB',
  summary: 'a file beside lorchestra.yaml',
  productionTables: 'made by runs',
  // It needs several times a payload in memory, and fails at 150 MB.
  payloadLimits: {levels: Infinity, bytes: 100_000_000, wideNumbers: true},
  commitAfter: {records: 50_000, milliseconds: 5 * 60 * 1000},
  starter: {
    yaml: `warehouse:
  type: duckdb
  path: lorchestra.duckdb # relative to this file
`,
    environment: '',
    // Also its .wal and its backup.
    ignored: ['lorchestra.duckdb', 'lorchestra.duckdb.*'],
  },
  async loadSettings() {
    const {duckdbSettings} = await import('./settings.ts')
    return duckdbSettings
  },
  async load() {
    return Promise.all([import('./warehouse.ts'), import('@duckdb/node-api')])
  },
  placeOf: ({path}) => path,
  async lockFiles({path}) {
    const {realFile} = await import('./real-file.ts')
    const file = await realFile(path)
    return [`${file}.making`, `${file}.mending`]
  },
  async open({path, lockTimeout, undo}, {temporaryFolder, signal, heldBy}) {
    const [{DuckDBWarehouse}, {realFile}] = await Promise.all([import('./warehouse.ts'), import('./real-file.ts')])
    const database = {path: await realFile(path), temporaryFolder, lockTimeout: LOCK_TIMEOUT}
    return new DuckDBWarehouse(database, signal, {
      commitTimeout: parseDuration(lockTimeout),
      undo: parseDuration(undo),
      heldBy,
    })
  },
}
