import type {DuckDBConnection} from '@duckdb/node-api'

import {TEST_TABLE_START, testSetsAmong, testTablesOf} from '../../model/tables.ts'
import type {Event} from '../../model/events.ts'
import type {RunToBegin} from '../warehouse.ts'
import {columnsOf, tablesThatBegin} from './definitions.ts'
import {rowsOf, tableNamed} from './sql.ts'

/** The event of a run's start says in this expression when it took its streams, by the file's own clock as far as it was told. */
export const TAKEN_AT = "coalesce(TRY_CAST(payload->>'$.warehouse_time' AS TIMESTAMPTZ), created_at)"

/**
 * Makes the event of a run say when it took its streams by a clock that is the file's own: that of the machine, unless a run has
 * told a later time. So what production writes later says so, even where a clock was set back. A test run asks nothing of
 * production; what is told of that before a seed, which reads it anyway, must not look as if it came since.
 */
export async function timed(
  connection: DuckDBConnection,
  run: Pick<RunToBegin, 'tables' | 'definitionFrom'>,
  started: Event,
): Promise<Event> {
  let time = Date.parse(started.created_at)
  for (const log of await logsToAsk(connection, run, started))
    time = Math.max(time, (await latestIn(connection, log)) + 1)
  return {...started, payload: {...started.payload, warehouse_time: new Date(time).toISOString()}}
}

async function logsToAsk(
  connection: DuckDBConnection,
  {tables, definitionFrom: production}: Pick<RunToBegin, 'tables' | 'definitionFrom'>,
  {payload}: Event,
): Promise<readonly string[]> {
  if (production !== undefined)
    return payload?.['seed'] === undefined ? [tables.eventLog] : [tables.eventLog, production.eventLog]
  const sets = testSetsAmong(await tablesThatBegin(connection, TEST_TABLE_START), tables)
  return [tables.eventLog, ...sets.map((set) => testTablesOf(set).eventLog)]
}

async function latestIn(connection: DuckDBConnection, log: string): Promise<number> {
  const columns = await columnsOf(connection, log)
  // Somebody's own table may have such a name.
  if (!['event_type', 'created_at', 'payload'].every((name) => columns.has(name))) return -Infinity
  const [row] = await rowsOf(
    connection,
    `SELECT epoch_ms(max(${TAKEN_AT}))::DOUBLE AS latest
     FROM ${tableNamed(log)} WHERE event_type = 'job.started'`,
  )
  const latest = row?.['latest']
  return typeof latest === 'number' ? latest : -Infinity
}
