import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import {assertLogIsOf} from '../log-of-runs.ts'
import {assertLogIsKnown} from '../undone-runs.ts'
import {rowsOf, tableNamed} from './sql.ts'

/** Selects the runs that were undone. What they logged stays in the log, and counts no more. */
export const undoneRuns = ({eventLog}: Pick<TableSet, 'eventLog'>): string =>
  `SELECT unnest((payload->'$.runs')::VARCHAR[]) FROM ${tableNamed(eventLog)}
   WHERE event_type = 'run.undone' AND (payload->>'$.schema') = '1'`

/** Holds for events of runs that were not undone. */
export const isNotUndone = (tables: Pick<TableSet, 'eventLog'>): string =>
  `coalesce(correlation_id, '') NOT IN (${undoneRuns(tables)})`

/** Throws where this version would misread the log, or the log is of runs in another mode. */
export async function assertKnown(connection: DuckDBConnection, tables: TableSet): Promise<void> {
  const [row] = await rowsOf(
    connection,
    `SELECT coalesce(max(try_cast(payload->>'$.requires' AS BIGINT)), 0)::DOUBLE AS required,
            coalesce(string_agg(DISTINCT payload->>'$.mode', ',') FILTER (event_type = 'job.started'), '') AS modes
     FROM ${tableNamed(tables.eventLog)} WHERE source_system = 'lorchestra' AND object_type = 'job_run'`,
  )
  assertLogIsKnown(tables.eventLog, Number(row?.['required']))
  assertLogIsOf(tables, String(row?.['modes']).split(','))
}
