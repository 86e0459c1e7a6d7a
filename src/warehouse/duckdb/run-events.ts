import type {DuckDBConnection} from '@duckdb/node-api'

import type {EventType} from '../../model/events.ts'
import type {TableSet} from '../../model/tables.ts'
import {nameOfStream} from '../../model/stream.ts'
import {EVENTS_OF_RUNS, runEventIn} from '../event-rows.ts'
import type {EndOfRun, WantedRuns} from '../wanted-runs.ts'
import type {RunEvent} from '../warehouse.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {isNotUndone, undoneRuns} from './undone-runs.ts'

export async function readRunEvents(
  connection: DuckDBConnection,
  tables: TableSet,
  wanted: WantedRuns,
): Promise<readonly RunEvent[]> {
  const log = tableNamed(tables.eventLog)
  const {job, runId, named, limit} = wanted
  const rows = await rowsOf(
    connection,
    `WITH newest AS (
       SELECT correlation_id FROM ${log}
       WHERE event_type = 'job.started'
         ${conditionsFor(wanted, tables).join('\n         ')}
       GROUP BY correlation_id ORDER BY max(created_at) DESC, correlation_id DESC LIMIT ${limit}
     )
     SELECT correlation_id, event_type, source_system, object_type, epoch_ms(created_at)::DOUBLE AS created_ms, error_message, payload,
            rowid::DOUBLE AS place, correlation_id IN (${undoneRuns(tables)}) AS undone
     FROM ${log} SEMI JOIN newest USING (correlation_id)
     WHERE event_type IN (${EVENTS_OF_RUNS.map(literal).join(', ')})
     ORDER BY created_at, rowid`,
    {...(job !== undefined && {job}), ...(runId !== undefined && {runId}), ...(named !== undefined && {named})},
  )
  return rows.map(runEventIn)
}

function conditionsFor(wanted: WantedRuns, tables: TableSet): readonly string[] {
  const {job, runId, named, since, ended, streams, from, heardSince, promoted, plan} = wanted
  return [
    ...(job === undefined ? [] : ["AND (payload->>'$.job') = $job"]),
    ...(runId === undefined ? [] : ['AND correlation_id = $runId']),
    ...(named === undefined ? [] : ['AND (starts_with(correlation_id, $named) OR ends_with(correlation_id, $named))']),
    ...(since === undefined ? [] : [`AND epoch_ms(created_at) >= ${Math.trunc(since)}`]),
    ...(ended === undefined ? [] : [`AND ${endedLike(ended, tables)}`]),
    ...(streams === undefined
      ? []
      : [
          `AND coalesce(list_has_any(TRY_CAST(payload->'$.streams' AS VARCHAR[]), [${streams.map(nameOfStream).map(literal).join(', ')}]), true)`,
        ]),
    ...(from === undefined ? [] : [`AND rowid >= ${from}`]),
    ...(heardSince === undefined
      ? []
      : [
          `AND correlation_id IN (SELECT correlation_id FROM ${tableNamed(tables.eventLog)} WHERE epoch_ms(created_at) >= ${Math.trunc(heardSince)})`,
        ]),
    ...(promoted === undefined
      ? []
      : [
          `AND list_has_any(TRY_CAST(payload->'$.promotion.runs' AS VARCHAR[]), [${promoted.map(literal).join(', ')}]::VARCHAR[])`,
        ]),
    ...(plan === undefined ? [] : [`AND (payload->>'$.plan.id') = ${literal(plan)}`]),
  ]
}

function endedLike(ended: EndOfRun, tables: TableSet): string {
  if (ended === 'undone') return `correlation_id IN (${undoneRuns(tables)})`
  const saying = (...types: readonly EventType[]): string =>
    `IN (SELECT correlation_id FROM ${tableNamed(tables.eventLog)} WHERE correlation_id IS NOT NULL AND event_type IN (${types.map(literal).join(', ')}))`
  return `${isNotUndone(tables)} AND correlation_id ${
    ended === 'open'
      ? `NOT ${saying('job.completed', 'job.failed')}`
      : saying(ended === 'done' ? 'job.completed' : 'job.failed')
  }`
}
