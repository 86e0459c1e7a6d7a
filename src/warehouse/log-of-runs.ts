import {usageError} from '../base/errors.ts'
import {isRunMode, rowOf} from '../model/run-mode.ts'
import {setNameOf, testTablesOf, type TableSet} from '../model/tables.ts'

/**
 * Throws where runs of another mode have written to this log: production must not go on where test runs ended, nor a test run
 * write to tables that are somebody's production. A mode that this version does not know is no reason to refuse.
 */
export function assertLogIsOf(tables: TableSet, modes: readonly string[]): void {
  const own = setNameOf(tables)
  if (modes.filter(isRunMode).every((mode) => rowOf(mode).writes === own)) return
  const {eventLog} = tables
  if (own === 'test')
    throw usageError(`runs of production have written to ${eventLog}, so it is another configuration's production`, {
      code: 'E_TABLES_TAKEN',
      next: `Nothing was written. Give event_log and raw_objects other names in this lorchestra.yaml, so that its test tables are others; or rename ${eventLog} and the table of records beside it in the warehouse.`,
    })
  const test = testTablesOf(tables)
  throw usageError(`runs with --test-table have written to ${eventLog}, and production would go on where they ended`, {
    code: 'E_TABLES_TAKEN',
    next: `Nothing was written. Rename both tables to ${test.eventLog} and ${test.rawObjects} in the warehouse: lorchestra test promote then makes them production's, and lorchestra test drop drops them. Or give event_log and raw_objects names of their own.`,
  })
}
