import {runMode, unknownMode, type RunMode} from '../model/run-mode.ts'
import {assertDisjointTables, testTablesOf, type ProductionTables} from '../model/tables.ts'
import type {RunToBegin, Warehouse, WarehouseWriter} from '../warehouse/warehouse.ts'

interface Place {
  readonly warehouse: Warehouse
  readonly production: ProductionTables
}

type Beginning = Pick<RunToBegin, 'runId' | 'scopes' | 'started'>

/** Opens production for rows that no run of it has read, in the mode that writes it; `undefined` in one that writes nothing. */
export async function beginOnProduction(
  {warehouse, production}: Place,
  wanted: RunMode,
  run: Beginning,
): Promise<WarehouseWriter | undefined> {
  if (!isWritten(production, wanted, 'production')) return undefined
  return warehouse.begin({tables: production, ...run})
}

/** Opens the test tables for rows that no run of them has read, in the mode that writes them; `undefined` in one that writes nothing. */
export async function beginOnTestTables(
  {warehouse, production}: Place,
  wanted: RunMode,
  run: Beginning,
): Promise<WarehouseWriter | undefined> {
  if (!isWritten(production, wanted, 'test-table')) return undefined
  return warehouse.begin({tables: testTablesOf(production), definitionFrom: production, ...run})
}

/** Opens the tables of the mode for a change of rows that no run of them has read; `undefined` in one that writes nothing. */
export const beginOnTablesOf = async (
  place: Place,
  wanted: RunMode,
  run: Beginning,
): Promise<WarehouseWriter | undefined> =>
  wanted === 'test-table' ? beginOnTestTables(place, wanted, run) : beginOnProduction(place, wanted, run)

/** Drops the test tables in the mode that writes them; `undefined` in one that writes nothing. */
export async function dropTestTables(
  {warehouse, production}: Place,
  wanted: RunMode,
): Promise<readonly string[] | undefined> {
  if (!isWritten(production, wanted, 'test-table')) return undefined
  return warehouse.dropTables(testTablesOf(production))
}

/** Answers false in a mode that writes nothing. Throws in one that writes, and is not the mode for this. */
function isWritten(production: ProductionTables, wanted: RunMode, writing: 'production' | 'test-table'): boolean {
  const mode = runMode(wanted)
  assertDisjointTables(production)
  switch (mode) {
    case 'dry-run':
      return false
    case 'production':
    case 'test-table':
      if (mode === writing) return true
      throw unknownMode(`${mode}, in which nothing of ${writing} is written`)
    default:
      throw unknownMode(mode satisfies never)
  }
}
