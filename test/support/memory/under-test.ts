import {messageWithCauses, outcomeOf} from '../../../src/base/errors.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import type {EndedApart, RunApart} from '../run-apart.ts'
import {scriptedRun} from '../scripted-run.ts'
import {yielding, type WarehouseUnderTest} from '../warehouse-contract.ts'
import {memory} from './kind.ts'
import {memoryDatabase} from './tables.ts'

/** A database of the test's own, opened by nothing but the descriptor of its kind. */
export async function memoryUnderTest(folder: string): Promise<WarehouseUnderTest> {
  const openIt = async (signal = new AbortController().signal): Promise<Warehouse> =>
    memory.open({database: folder}, {temporaryFolder: folder, signal, writes: 'production'})
  const database = memoryDatabase(folder)
  const reading = await openIt()
  const run: WarehouseUnderTest['run'] = async (scripted) => {
    const real = await openIt(scripted.signal)
    return scriptedRun({...scripted, folder, warehouse: () => scripted.warehouse?.(real) ?? real})
  }
  const runBeside = async ({records, runId, now, account}: RunApart): Promise<EndedApart> => {
    try {
      const source = yielding(...records)
      const {error, counts} = await run({source, runId, now, ...(account !== undefined && {account})})
      if (error === undefined) return {outcome: 'done', message: '', counts}
      return {outcome: outcomeOf(error), message: messageWithCauses(error)}
    } catch (error) {
      return {outcome: outcomeOf(error), message: messageWithCauses(error)}
    }
  }
  return {
    folder,
    open: () => reading,
    run,
    // No other process can see what this one remembers.
    runApart: async (runs) => Promise.all(runs.map(runBeside)),
    tables: () => Promise.resolve([...database.eventLogs.keys(), ...database.rawObjects.keys()].toSorted()),
    stored: (table = 'raw_objects') =>
      Promise.resolve(
        [...(database.rawObjects.get(table) ?? [])]
          .map(([key, {payload, firstSeen, lastSeen}]) => ({key, payload, firstSeen, lastSeen}))
          .toSorted((one, other) => (one.key < other.key ? -1 : 1)),
      ),
    logged: (table = 'event_log') =>
      Promise.resolve(
        (database.eventLogs.get(table) ?? [])
          .map((event) => ({
            type: event.event_type,
            objectType: event.object_type,
            runId: event.correlation_id,
            error: event.error_message,
            payload: event.payload,
          }))
          .toSorted((one, other) => (one.type === other.type ? 0 : one.type < other.type ? -1 : 1)),
      ),
    removeRow: () => Promise.reject(new Error('the warehouse in memory removes nothing')),
    copyRow: () => Promise.reject(new Error('nobody copies rows in the warehouse in memory')),
    edit: () => Promise.reject(new Error('nobody edits the warehouse in memory')),
    setLastSeen(milliseconds) {
      const rows = database.rawObjects.get('raw_objects')
      for (const [key, row] of rows ?? []) rows?.set(key, {...row, lastSeen: milliseconds})
      return Promise.resolve()
    },
  }
}
