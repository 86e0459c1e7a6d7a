import type {DuckDBConnection} from '@duckdb/node-api'

import type {EventType} from '../../model/events.ts'
import type {JsonValue} from '../../source.ts'
import type {TableSet} from '../../model/tables.ts'
import type {RunEvent, WantedRuns} from '../warehouse.ts'
import {identifier, rowsOf} from './sql.ts'

export async function readRunEvents(
  connection: DuckDBConnection,
  tables: TableSet,
  {job, runId, limit}: WantedRuns,
): Promise<readonly RunEvent[]> {
  const log = identifier(tables.eventLog)
  const rows = await rowsOf(
    connection,
    `WITH newest AS (
       SELECT correlation_id FROM ${log}
       WHERE event_type = 'job.started'
         ${job === undefined ? '' : "AND (payload->>'$.job') = $job"} ${runId === undefined ? '' : 'AND correlation_id = $runId'}
       GROUP BY correlation_id ORDER BY max(created_at) DESC, correlation_id DESC LIMIT ${limit}
     )
     SELECT correlation_id, event_type, source_system, object_type, epoch_ms(created_at)::DOUBLE AS at, error_message, payload
     FROM ${log} SEMI JOIN newest USING (correlation_id)
     WHERE event_type IN ('job.started', 'job.completed', 'job.failed', 'ingestion.completed', 'ingestion.failed')
     ORDER BY created_at, rowid`,
    {...(job !== undefined && {job}), ...(runId !== undefined && {runId})},
  )
  return rows.map((row) => ({
    runId: String(row['correlation_id']),
    type: String(row['event_type']) as EventType,
    sourceSystem: String(row['source_system']),
    objectType: String(row['object_type']),
    at: Number(row['at']),
    error: typeof row['error_message'] === 'string' ? row['error_message'] : null,
    payload: typeof row['payload'] === 'string' ? (JSON.parse(row['payload']) as JsonValue) : null,
  }))
}
