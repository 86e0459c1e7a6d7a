import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import {nameOfStream} from '../../model/stream.ts'
import {EVENTS_OF_RUNS, runEventIn} from '../event-rows.ts'
import type {RunEvent, WantedRuns} from '../warehouse.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {undoneRuns} from './undone-runs.ts'

export async function readRunEvents(
  connection: DuckDBConnection,
  tables: TableSet,
  {job, runId, streams, limit}: WantedRuns,
): Promise<readonly RunEvent[]> {
  const log = tableNamed(tables.eventLog)
  const rows = await rowsOf(
    connection,
    `WITH newest AS (
       SELECT correlation_id FROM ${log}
       WHERE event_type = 'job.started'
         ${job === undefined ? '' : "AND (payload->>'$.job') = $job"} ${runId === undefined ? '' : 'AND correlation_id = $runId'}
         ${streams === undefined ? '' : `AND list_has_any(TRY_CAST(payload->'$.streams' AS VARCHAR[]), [${streams.map(nameOfStream).map(literal).join(', ')}])`}
       GROUP BY correlation_id ORDER BY max(created_at) DESC, correlation_id DESC LIMIT ${limit}
     )
     SELECT correlation_id, event_type, source_system, object_type, epoch_ms(created_at)::DOUBLE AS created_ms, error_message, payload,
            rowid::DOUBLE AS place, correlation_id IN (${undoneRuns(tables)}) AS undone
     FROM ${log} SEMI JOIN newest USING (correlation_id)
     WHERE event_type IN (${EVENTS_OF_RUNS.map(literal).join(', ')})
     ORDER BY created_at, rowid`,
    {...(job !== undefined && {job}), ...(runId !== undefined && {runId})},
  )
  return rows.map(runEventIn)
}
