import {failure} from '../base/errors.ts'
import type {Config} from '../config/config.ts'
import {isRunMode, RUN_MODES, writtenIn} from '../model/run-mode.ts'
import {testTablesOf, type ProductionTables, type TableSet} from '../model/tables.ts'
import {pastRuns} from '../run/past-runs.ts'
import {readInTheFuture} from '../run/plan.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {assertLogIsOf} from '../warehouse/log-of-runs.ts'
import {openWarehouse, outsideOfRuns} from '../warehouse/open-warehouse.ts'
import {adviseOnSurplusRows} from '../warehouse/surplus-rows.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {check, failed, type Finding} from './finding.ts'

const RUNS_LOOKED_AT = 100
const DAY = 24 * 60 * 60 * 1000

/** Looks at the tables, their keys, and the runs that hold a stream or died. */
export async function* examineWarehouse(config: Config): AsyncGenerator<Finding> {
  const {tables} = config.warehouse
  const {name: kind} = kindOf(config.warehouse)
  let warehouse: Warehouse
  try {
    warehouse = await openWarehouse(config.warehouse)
    const {tables: found, streams} = await warehouse.describe(tables)
    for (const {name, exists, rows, retention} of found) {
      const kept =
        retention === undefined ? '' : `, kept for ${Math.round(retention / DAY)} days as --log-retention said`
      yield {
        check: 'table',
        subject: name,
        status: 'ok',
        found: exists ? `${rows ?? '?'} rows${kept}` : 'not there yet',
      }
    }
    yield check('clock', 'of past runs', () => {
      const future = readInTheFuture(streams, Date.now())
      if (future === undefined) return 'no run read from the future'
      throw failure(`the event log was read up to ${future.toISOString()}`, {
        code: 'E_CLOCK_WRONG',
        next: 'Set the clock of this machine.',
      })
    })
  } catch (error) {
    yield failed('warehouse', kind, error)
    return
  }
  yield check('warehouse', kind, async () => {
    const writing = await openWarehouse(config.warehouse, {...outsideOfRuns(), writes: 'production'})
    await writing.checkWritable(tables)
    await assertCanGoOn(warehouse, tables)
    return 'can be written'
  })
  yield* examineRights(warehouse, tables)
  const tested = testTablesOf(tables)
  yield check('test tables', tested.rawObjects, async () => {
    const {tables: found} = await warehouse.describe(tested)
    await assertCanGoOn(warehouse, tested)
    return found.some(({exists}) => exists) ? 'can be read' : 'not there yet; the first test run makes them'
  })
  yield check('keys', tables.rawObjects, async () => {
    const surplus = await warehouse.countSurplusRows(tables)
    if (surplus === 0) return 'none has several rows'
    throw failure(`${surplus} rows more than keys`, {
      code: 'E_DUPLICATE_ROWS',
      next: adviseOnSurplusRows(tables.rawObjects),
    })
  })
  yield* examineLeases(warehouse, config)
}

/** Whoever runs of a mode are may be able to write more than they do. */
async function* examineRights(warehouse: Warehouse, tables: ProductionTables): AsyncGenerator<Finding> {
  for (const mode of Object.keys(RUN_MODES).filter(isRunMode)) {
    try {
      const rights = await warehouse.examineRights?.(tables, writtenIn(mode))
      if (rights === undefined) continue
      const {isProved, found, next} = rights
      const status = isProved ? 'ok' : 'warning'
      yield {check: 'rights', subject: mode, status, found, ...(next !== undefined && {next})}
    } catch (error) {
      yield failed('rights', mode, error)
    }
  }
}

/** Throws where a run would refuse to go on with what is there. */
async function assertCanGoOn(warehouse: Warehouse, tables: TableSet): Promise<void> {
  await warehouse.readStreamStates(tables, [])
  const runs = await pastRuns(await warehouse.readRunEvents(tables, {limit: RUNS_LOOKED_AT}))
  assertLogIsOf(
    tables,
    runs.map(({mode}) => mode),
  )
}

async function* examineLeases(warehouse: Warehouse, config: Config): AsyncGenerator<Finding> {
  const runs = await pastRuns(await warehouse.readRunEvents(config.warehouse.tables, {limit: RUNS_LOOKED_AT}))
  for (const {runId, outcome} of runs) {
    if (outcome === 'running') yield {check: 'run', subject: runId, status: 'ok', found: 'is going on'}
    if (outcome === 'unknown')
      yield {check: 'run', subject: runId, status: 'warning', found: 'has not ended, on another machine'}
    if (outcome !== 'died') continue
    yield {
      check: 'run',
      subject: runId,
      status: 'warning',
      found: 'its process is gone without a last word',
      next: 'Nothing to do: the next run of the job takes its streams over.',
    }
  }
}
