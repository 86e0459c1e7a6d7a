import type {Warehouse, WarehouseWriter} from '../../src/warehouse/warehouse.ts'

/** Has whatever begins to write to this warehouse break off in that step, when the log tells of its start already. */
export function breakingIn(step: 'promote' | 'seed' | 'undo', warehouse: Warehouse): Warehouse {
  const begin = warehouse.begin.bind(warehouse)
  const value: Warehouse['begin'] = async (run): Promise<WarehouseWriter> => ({
    ...(await begin(run)),
    [step]: async () => Promise.reject(new Error('the connection broke')),
  })
  return Object.defineProperty(warehouse, 'begin', {value})
}
