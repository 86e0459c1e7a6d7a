import type {EventType} from '../../model/events.ts'
import {nameOfStream} from '../../model/stream.ts'
import {EVENTS_OF_RUNS, runEventIn} from '../event-rows.ts'
import type {EndOfRun, WantedRuns} from '../wanted-runs.ts'
import type {RunEvent} from '../warehouse.ts'
import {CLOCKS} from './carried-state.ts'
import type {Queries} from './query.ts'
import {literal, since, TAKEN_AT} from './sql.ts'
import {isNotUndone, undoneRuns} from './undone-runs.ts'

/** The newest days are looked at first, and all of the log only where they hold fewer runs than are wanted. */
const NEWEST_DAYS = [7, 60].map((days) => days * 86_400_000)
/** Whoever wants more runs wants all. */
const MOST_OF_NEWEST = 1000

export async function readRunEvents(
  queries: Queries,
  eventLog: string,
  wanted: WantedRuns,
  signal: AbortSignal,
): Promise<readonly RunEvent[]> {
  const {limit, since: wantedSince} = wanted
  for (const age of limit < MOST_OF_NEWEST ? NEWEST_DAYS : []) {
    const from = Date.now() - age
    if (wantedSince !== undefined && wantedSince >= from) break
    const events = await readSince(queries, eventLog, {...wanted, since: from}, signal)
    if (new Set(events.map(({runId}) => runId)).size >= limit) return events
  }
  return readSince(queries, eventLog, wanted, signal)
}

/** Reads those that began since then; nothing that they logged, and no undo of them, is older. */
async function readSince(
  queries: Queries,
  eventLog: string,
  wanted: WantedRuns,
  signal: AbortSignal,
): Promise<readonly RunEvent[]> {
  const {job, runId, named, limit} = wanted
  const begin = wanted.since === undefined ? undefined : new Date(wanted.since - CLOCKS)
  const rows = await queries.rows({
    sql: `WITH newest AS (
  SELECT correlation_id FROM ${eventLog}
  WHERE ${since(begin)} AND event_type = 'job.started'
    ${conditionsFor(wanted, eventLog, begin).join('\n    ')}
  GROUP BY correlation_id ORDER BY MAX(created_at) DESC, correlation_id DESC LIMIT ${limit}
)
SELECT correlation_id, event_type, source_system, object_type, CAST(UNIX_MILLIS(created_at) AS STRING) AS created_ms, error_message,
       TO_JSON_STRING(payload) AS payload,
       CAST(${PLACE} AS STRING) AS place,
       CAST(correlation_id IN (${undoneRuns(eventLog, begin)}) AS STRING) AS undone
FROM ${eventLog}
WHERE ${since(begin)} AND correlation_id IN (SELECT correlation_id FROM newest)
  AND event_type IN (${EVENTS_OF_RUNS.map(literal).join(', ')})
ORDER BY created_at, event_id`,
    values: {
      ...(job !== undefined && {job}),
      ...(runId !== undefined && {run_id: runId}),
      ...(named !== undefined && {named}),
    },
    what: 'reading what runs logged',
    signal,
  })
  return rows.map(runEventIn)
}

const PLACE = `UNIX_MICROS(${TAKEN_AT})`

function conditionsFor(wanted: WantedRuns, eventLog: string, begin: Date | undefined): readonly string[] {
  const {job, runId, named, since: begunSince, ended, streams, from, heardSince, promoted, plan} = wanted
  return [
    ...(job === undefined ? [] : ["AND JSON_VALUE(payload, '$.job') = @job"]),
    ...(runId === undefined ? [] : ['AND correlation_id = @run_id']),
    ...(named === undefined ? [] : ['AND (STARTS_WITH(correlation_id, @named) OR ENDS_WITH(correlation_id, @named))']),
    ...(begunSince === undefined ? [] : [`AND created_at >= TIMESTAMP_MILLIS(${Math.trunc(begunSince)})`]),
    ...(ended === undefined ? [] : [`AND ${endedLike(ended, eventLog, begin)}`]),
    ...(streams === undefined
      ? []
      : [`AND (JSON_VALUE_ARRAY(payload, '$.streams') IS NULL OR ${hasAny('$.streams', streams.map(nameOfStream))})`]),
    ...(from === undefined ? [] : [`AND ${PLACE} >= ${from}`]),
    ...(heardSince === undefined
      ? []
      : [
          `AND correlation_id IN (SELECT correlation_id FROM ${eventLog} WHERE ${since(begin)} AND created_at >= TIMESTAMP_MILLIS(${Math.trunc(heardSince)}) AND correlation_id IS NOT NULL)`,
        ]),
    ...(promoted === undefined ? [] : [`AND ${hasAny('$.promotion.runs', promoted)}`]),
    ...(plan === undefined ? [] : [`AND JSON_VALUE(payload, '$.plan.id') = ${literal(plan)}`]),
  ]
}

const hasAny = (path: string, texts: readonly string[]): string =>
  `EXISTS (SELECT 1 FROM UNNEST(JSON_VALUE_ARRAY(payload, '${path}')) AS one WHERE one IN (${texts.map(literal).join(', ')}))`

function endedLike(ended: EndOfRun, eventLog: string, begin: Date | undefined): string {
  if (ended === 'undone') return `correlation_id IN (${undoneRuns(eventLog, begin)})`
  const saying = (...types: readonly EventType[]): string =>
    `IN (SELECT correlation_id FROM ${eventLog} WHERE ${since(begin)} AND correlation_id IS NOT NULL AND event_type IN (${types.map(literal).join(', ')}))`
  return `${isNotUndone(eventLog, begin)} AND correlation_id ${
    ended === 'open'
      ? `NOT ${saying('job.completed', 'job.failed')}`
      : saying(ended === 'done' ? 'job.completed' : 'job.failed')
  }`
}
