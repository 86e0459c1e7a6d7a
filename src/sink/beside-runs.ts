import {runMode, unknownMode, type RunMode} from '../model/run-mode.ts'
import {assertDisjointTables, testTablesOf, type ProductionTables} from '../model/tables.ts'
import type {RunToBegin, Warehouse, WarehouseWriter} from '../warehouse/warehouse.ts'

interface Place {
  readonly warehouse: Warehouse
  readonly production: ProductionTables
}

/** Opens production for rows that no run of it has read, in the mode that writes it; `undefined` in one that writes nothing. */
export async function beginOnProduction(
  {warehouse, production}: Place,
  wanted: RunMode,
  run: Pick<RunToBegin, 'runId' | 'scopes' | 'started'>,
): Promise<WarehouseWriter | undefined> {
  const mode = runMode(wanted)
  assertDisjointTables(production)
  switch (mode) {
    case 'dry-run':
      return undefined
    case 'production':
      return warehouse.begin({tables: production, ...run})
    case 'test-table':
      throw unknownMode(`${mode}, in which production is never written`)
    default:
      throw unknownMode(mode satisfies never)
  }
}

/** Opens the test tables for rows that no run of them has read, in the mode that writes them; `undefined` in one that writes nothing. */
export async function beginOnTestTables(
  {warehouse, production}: Place,
  wanted: RunMode,
  run: Pick<RunToBegin, 'runId' | 'scopes' | 'started'>,
): Promise<WarehouseWriter | undefined> {
  const mode = runMode(wanted)
  assertDisjointTables(production)
  switch (mode) {
    case 'dry-run':
      return undefined
    case 'test-table':
      return warehouse.begin({tables: testTablesOf(production), definitionFrom: production, ...run})
    case 'production':
      throw unknownMode(`${mode}, in which no test table is written`)
    default:
      throw unknownMode(mode satisfies never)
  }
}

/** Drops the test tables in the mode that writes them; `undefined` in one that writes nothing. */
export async function dropTestTables(
  {warehouse, production}: Place,
  wanted: RunMode,
): Promise<readonly string[] | undefined> {
  const mode = runMode(wanted)
  assertDisjointTables(production)
  switch (mode) {
    case 'dry-run':
      return undefined
    case 'test-table':
      return warehouse.dropTables(testTablesOf(production))
    case 'production':
      throw unknownMode(`${mode}, in which no table is dropped`)
    default:
      throw unknownMode(mode satisfies never)
  }
}
