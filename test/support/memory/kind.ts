import type {WarehouseKind} from '../../../src/warehouse/kind.ts'
import type {MemorySettings} from './settings.ts'

/** A third kind of warehouse, as somebody who adds one would write it. What it holds ends with the process. */
export const memory: WarehouseKind<MemorySettings> = {
  type: 'memory',
  name: 'Memory',
  summary: 'gone when the process ends',
  chosenBy: 'MEMORY_DATABASE',
  productionTables: 'made by runs',
  payloadLimits: {levels: 1000, bytes: 50_000_000, wideNumbers: false},
  commitAfter: {records: 1000, milliseconds: 60_000},
  starter: {
    yaml: 'warehouse:\n  type: memory\n  database: ${MEMORY_DATABASE}\n',
    environment: 'MEMORY_DATABASE=\n',
    ignored: [],
  },
  async loadSettings() {
    const {memorySettings} = await import('./settings.ts')
    return memorySettings
  },
  async load() {
    return import('./warehouse.ts')
  },
  placeOf: ({database}) => database,
  async open({database}) {
    const {MemoryWarehouse} = await import('./warehouse.ts')
    return new MemoryWarehouse(database)
  },
}
