import {rejectIn} from '../event-rows.ts'
import {rejectsWithState} from '../rejects-sql.ts'
import {MOST_REJECTS, type Reject, type StreamScope} from '../warehouse.ts'
import {carriedStates, reachesBackTo, sinceOfTakenBack, type LogPart} from './carried-state.ts'
import {ofStream} from './commit-sql.ts'
import type {Queries, Row} from './query.ts'
import {loggedRejects, windowsRead} from './rejects.ts'
import {undoneRuns} from './undone-runs.ts'

/** A carried state holds at most so many open rejects. Where more are open, all of the log is read when they are counted. */
const MOST_CARRIED = 1000

interface LogOfRejects {
  readonly queries: Queries
  readonly eventLog: string
  /** All of the log, or a part in which there is a carried state of each scope that tells of them. */
  readonly part: LogPart
  /** Those of one job and account. */
  readonly scopes: readonly StreamScope[]
  readonly signal: AbortSignal
}

/** Reads what runs of the job rejected, and no later one read again as a whole. */
export async function readOpenRejects(log: LogOfRejects): Promise<readonly Reject[]> {
  return (await rowsOfOpenRejects(log, MOST_REJECTS)).map(rejectIn)
}

/** Gives the rows of a carried state that tell of open rejects. */
export async function openRejectsToCarry(
  log: LogOfRejects,
): Promise<{readonly openRejects: 'told' | 'too many'; readonly rows: readonly Row[]}> {
  const open = await rowsOfOpenRejects(log, MOST_CARRIED + 1)
  if (open.length > MOST_CARRIED) return {openRejects: 'too many', rows: []}
  return {openRejects: 'told', rows: open.map(rowToCarry)}
}

/** Has the column names of other carried rows. */
const rowToCarry = (reject: Row): Row => ({
  kind: 'open reject',
  text: reject['reference'] ?? null,
  made: reject['created_ms'] ?? null,
  taken: reject['taken_ms'] ?? null,
  event_id: reject['event_id'] ?? null,
  run_id: reject['run_id'] ?? null,
  read_by: reject['read_by'] ?? null,
  since: reject['since'] ?? null,
  until: reject['until'] ?? null,
})

async function rowsOfOpenRejects(
  {queries, eventLog, part, scopes, signal}: LogOfRejects,
  limit: number,
): Promise<readonly Row[]> {
  const {job = '', account = null} = scopes[0] ?? {}
  return queries.rows({
    sql: openRejectsSql(eventLog, part, {scopes, account, limit}),
    values: {job, ...(account !== null && {account})},
    what: 'reading what was rejected and is open',
    signal,
  })
}

/** An event that is both carried and read counts once. */
function openRejectsSql(
  eventLog: string,
  part: LogPart,
  {
    scopes,
    account,
    limit,
  }: {readonly scopes: readonly StreamScope[]; readonly account: string | null; readonly limit: number},
): string {
  const ofStreams = `(${scopes.map(({stream}) => `(${ofStream(stream)})`).join(' OR ')})`
  const isOfAccount = account === null ? 'account IS NULL' : '(account IS NULL OR account = @account)'
  const reaches = reachesBackTo(part)
  const reachesBack = reaches === -Infinity ? 'TRUE' : `at_ms >= ${reaches}`
  const takenBack = sinceOfTakenBack(part)
  return `WITH ${carriedStates(eventLog, part, ofStreams)}, own AS (
  SELECT event_id FROM (
    SELECT event_id, ROW_NUMBER() OVER (PARTITION BY source_system, object_type ORDER BY at_ms DESC) AS place FROM carried
    WHERE job = @job AND ${isOfAccount} AND ${reachesBack} AND open_rejects = 'told'
      AND event_id IN (SELECT event_id FROM counting)
  ) WHERE place = 1
), logged AS (
  ${loggedRejects(eventLog, part.since, ofStreams)}
), rejected AS (
  SELECT event_id, event_id AS place, run_id, source_system, object_type, reference, reason, created_ms, taken_ms, job, account, selection,
         read_by, bookmark, since, until
  FROM logged WHERE job = @job AND ${isOfAccount}
  UNION ALL
  SELECT JSON_VALUE(told, '$.event_id') AS event_id, JSON_VALUE(told, '$.event_id') AS place, JSON_VALUE(told, '$.run_id') AS run_id,
         source_system, object_type, JSON_VALUE(told, '$.text') AS reference, CAST(NULL AS STRING) AS reason,
         CAST(JSON_VALUE(told, '$.made') AS INT64) AS created_ms,
         CAST(COALESCE(JSON_VALUE(told, '$.taken'), JSON_VALUE(told, '$.made')) AS INT64) AS taken_ms,
         job, account, selection, JSON_VALUE(told, '$.read_by') AS read_by,
         CAST(NULL AS STRING) AS bookmark, CAST(JSON_VALUE(told, '$.since') AS INT64) AS since,
         CAST(JSON_VALUE(told, '$.until') AS INT64) AS until
  FROM carried, UNNEST(JSON_QUERY_ARRAY(payload, '$.rows')) AS told
  WHERE event_id IN (SELECT event_id FROM own) AND JSON_VALUE(told, '$.kind') = 'open reject'
    AND JSON_VALUE(told, '$.event_id') NOT IN (SELECT event_id FROM logged)
), windows AS (
  ${windowsRead(eventLog, part.since, takenBack)} AND ${ofStreams}
), ${rejectsWithState(
    [
      ...['event_id', 'run_id', 'source_system', 'object_type', 'reference', 'reason', 'read_by'].map(
        (name) => `rejected.${name}`,
      ),
      ...['created_ms', 'taken_ms', 'since', 'until'].map((name) => `CAST(rejected.${name} AS STRING) AS ${name}`),
    ],
    {closedToo: false, limit},
    undoneRuns(eventLog, takenBack),
  )}`
}
