import type {RunMode} from '../model/run-mode.ts'
import {testTablesOf, type ProductionTables} from '../model/tables.ts'
import {dropTestTables} from '../sink/beside-runs.ts'
import {assertLogIsOf} from '../warehouse/log-of-runs.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {assertNoTestRun, listTestTables} from './test-tables.ts'

export interface DroppedTables {
  /** The names of the tables that were there. */
  readonly found: readonly string[]
  /** The names of those that are gone; `undefined` in a dry run. */
  readonly dropped: readonly string[] | undefined
}

/** Drops the test tables, unless a test run is under way. */
export async function dropTested(
  place: {readonly warehouse: Warehouse; readonly production: ProductionTables},
  mode: RunMode,
): Promise<DroppedTables> {
  const tested = testTablesOf(place.production)
  const {tables, runs} = await listTestTables(place.warehouse, place.production)
  assertLogIsOf(
    tested,
    runs.map((run) => run.mode),
  )
  assertNoTestRun(runs)
  const dropped = await dropTestTables(place, mode)
  return {found: tables.filter(({exists}) => exists).map(({name}) => name), dropped}
}
