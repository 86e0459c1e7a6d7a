import type {Stream} from '../../source.ts'
import {FROM_THE_START} from '../coverage-sql.ts'
import {rejectIn} from '../event-rows.ts'
import {rejectsWithState} from '../rejects-sql.ts'
import {closeStored} from '../stored-since.ts'
import type {Reject, WantedRejects} from '../warehouse.ts'
import {CLOCKS} from './carried-state.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, literal, since, TAKEN_AT} from './sql.ts'
import {isNotUndone, undoneRuns} from './undone-runs.ts'

const TEXTS = [
  'run_id',
  'source_system',
  'object_type',
  'reference',
  'reason',
  'job',
  'account',
  'selection',
  'bookmark',
]
const NUMBERS = ['created_ms', 'since', 'until']

/** A window reaches from `since` to `until`; `until` is null where the event names none. */
const WINDOW = `IF(JSON_VALUE(payload, '$.window.since') IS NULL, ${FROM_THE_START}, UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.window.since')))) AS since,
         UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.window.until'))) AS until`

/** Rejects that 0.1.0 wrote name no job; their run does. */
const JOB = "COALESCE(JSON_VALUE(payload, '$.job'), started_job)"

/** Says of each run of a part of the log when it took its streams, by BigQuery's own clock as far as it was asked. */
const startedRuns = (eventLog: string, from: Date | undefined): string =>
  `SELECT correlation_id AS started_run, ANY_VALUE(JSON_VALUE(payload, '$.job')) AS started_job,
    MAX(UNIX_MILLIS(${TAKEN_AT})) AS started_ms
    FROM ${eventLog} WHERE ${since(from)} AND event_type = 'job.started' GROUP BY correlation_id`

/** Selects the rejects of a part of the log, with the job, also where an event does not say it. */
export const loggedRejects = (eventLog: string, from: Date | undefined, condition: string): string =>
  `SELECT event_id, correlation_id AS run_id, source_system, object_type,
         JSON_VALUE(payload, '$.reference') AS reference, error_message AS reason, UNIX_MILLIS(created_at) AS created_ms,
         ${JOB} AS job, JSON_VALUE(payload, '$.account') AS account, JSON_VALUE(payload, '$.selection') AS selection,
         JSON_VALUE(payload, '$.read_by') AS read_by, TO_JSON_STRING(JSON_QUERY(payload, '$.bookmark')) AS bookmark,
         IFNULL(started_ms, UNIX_MILLIS(created_at)) AS taken_ms, ${WINDOW}
  FROM ${eventLog} LEFT JOIN (
    ${startedRuns(eventLog, from)}
  ) ON started_run = correlation_id
  WHERE ${since(from)} AND event_type = 'record.rejected' AND ${condition}`

/** Selects what a part of the log says that runs have read as a whole; `undoneFrom`: runs that were undone before do not count. */
export const windowsRead = (eventLog: string, from: Date | undefined, undoneFrom: Date | undefined): string =>
  `SELECT correlation_id AS run_id, JSON_VALUE(payload, '$.job') AS job, JSON_VALUE(payload, '$.account') AS account, source_system, object_type,
         IF(JSON_VALUE(payload, '$.read_by') = 'window', 'window', 'bookmark') AS read_by, IFNULL(started_ms, UNIX_MILLIS(created_at)) AS taken_ms,
         ${WINDOW}
  FROM ${eventLog} LEFT JOIN (
    ${startedRuns(eventLog, from)}
  ) ON started_run = correlation_id
  WHERE ${since(from)} AND event_type = 'ingestion.completed' AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
    AND JSON_VALUE(payload, '$.limited') = 'false' AND JSON_VALUE(payload, '$.read_by') IN ('window', 'earlier bookmark')
    AND ${isNotUndone(eventLog, undoneFrom)}`

/** Reads the log, and the keys of `rawObjects` where that is there. */
export async function readRejects(
  queries: Queries,
  {eventLog, rawObjects}: {readonly eventLog: string; readonly rawObjects?: string},
  wanted: WantedRejects,
  signal: AbortSignal,
): Promise<readonly Reject[] | undefined> {
  const {of} = wanted
  const from = wanted.since === undefined ? undefined : new Date(wanted.since)
  const takenBackFrom = from === undefined ? undefined : new Date(from.getTime() - CLOCKS)
  const rows = await queries.rows({
    sql: `WITH logged AS (
  ${loggedRejects(eventLog, from, 'runId' in of ? 'correlation_id = @run_id' : `${JOB} = @job`)}
), rejected AS (
  SELECT *, event_id AS place FROM logged
), windows AS (
  ${windowsRead(eventLog, from, takenBackFrom)} AND JSON_VALUE(payload, '$.job') IN (SELECT job FROM rejected)
), ${rejectsWithState(
      [
        ...TEXTS.map((column) => `rejected.${column}`),
        ...NUMBERS.map((column) => `CAST(rejected.${column} AS STRING) AS ${column}`),
      ],
      wanted,
      undoneRuns(eventLog, takenBackFrom),
    )}`,
    values: 'runId' in of ? {run_id: of.runId} : {job: of.job},
    what: 'reading what was rejected',
    signal,
  })
  if (rows.length === 0 && 'runId' in of && !(await knowsRun(queries, eventLog, of.runId, signal))) return undefined
  const rejects = rows.map(rejectIn)
  if (rawObjects === undefined) return rejects
  const closed = await withStoredClosed({queries, rawObjects, signal}, rejects)
  return wanted.closedToo ? closed : closed.filter(({open}) => open)
}

/** Closes those of the rejects whose records were stored since. */
export const withStoredClosed = async (
  {queries, rawObjects, signal}: {readonly queries: Queries; readonly rawObjects: string; readonly signal: AbortSignal},
  rejects: readonly Reject[],
): Promise<readonly Reject[]> =>
  closeStored(rejects, async (stream, idemKeys) => seenKeys(queries, rawObjects, {stream, idemKeys, signal}))

/** Compares the clustering columns in their order, all of them with constants, so that few blocks are read. */
async function seenKeys(
  queries: Queries,
  rawObjects: string,
  {
    stream,
    idemKeys,
    signal,
  }: {readonly stream: Stream; readonly idemKeys: readonly string[]; readonly signal: AbortSignal},
): Promise<ReadonlyMap<string, number>> {
  const rows = await queries.rows({
    sql: `SELECT idem_key, CAST(UNIX_MILLIS(last_seen) AS STRING) AS seen_ms FROM ${rawObjects}
WHERE source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}
  AND idem_key IN (${idemKeys.map(literal).join(', ')})`,
    what: 'looking for rejected records that were stored since',
    signal,
  })
  return new Map(rows.map((row) => [row['idem_key'] ?? '', Number(row['seen_ms'])]))
}

async function knowsRun(queries: Queries, eventLog: string, runId: string, signal: AbortSignal): Promise<boolean> {
  const rows = await queries.rows({
    sql: `SELECT event_id FROM ${eventLog} WHERE ${ANY_TIME} AND correlation_id = @run_id LIMIT 1`,
    values: {run_id: runId},
    what: 'looking for the run',
    signal,
  })
  return rows.length > 0
}
