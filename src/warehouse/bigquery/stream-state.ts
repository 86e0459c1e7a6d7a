import type {TableSet} from '../../model/tables.ts'
import {FROM_THE_START, islands, windowIn} from '../coverage-sql.ts'
import {parseBookmark, parseCheckpoint} from '../event-rows.ts'
import {assertLogIsOf} from '../log-of-runs.ts'
import {SCHEMA_EVENTS, schemaEventsIn} from '../schema-events.ts'
import {assertLogIsKnown} from '../undone-runs.ts'
import type {SchemaEvent, StreamScope, StreamState} from '../warehouse.ts'
import type {Queries, Row} from './query.ts'
import {ANY_TIME, literal} from './sql.ts'
import {isNotUndone, OF_RUNS} from './undone-runs.ts'

export interface LogToRead {
  readonly tables: TableSet
  /** The name of its log, as SQL has it. */
  readonly eventLog: string
}

/** The states of streams, and when they were read by the clock of BigQuery. */
export interface StatesAt {
  readonly states: readonly StreamState[]
  readonly at: Date
}

export async function readStreamStates(
  queries: Queries,
  log: LogToRead,
  scopes: readonly StreamScope[],
  signal: AbortSignal,
): Promise<StatesAt> {
  const states: StreamState[] = []
  let at = new Date()
  for (const scope of scopes) {
    const read = await readStreamState(queries, log, scope, signal)
    states.push(read.state)
    at = read.at
  }
  return {states, at}
}

/** Asks with one statement, so that the log is read and billed once, and for the time of its clock. */
async function readStreamState(
  queries: Queries,
  {tables, eventLog}: LogToRead,
  scope: StreamScope,
  signal: AbortSignal,
): Promise<{readonly state: StreamState; readonly at: Date}> {
  const {job, account, selection} = scope
  const rows = await queries.rows({
    sql: sqlFor(eventLog, scope),
    values: {
      job,
      selection,
      ...(account !== null && {account}),
    },
    what: 'reading what earlier runs covered',
    signal,
  })
  assertLogIsOwn(tables, rows)
  return {state: stateFrom(rows), at: new Date(Number(textIn(rows, 'now')))}
}

// `payload.schema` guards against events that another tool or a later version wrote.
// What covers anything ended the reading that a checkpoint before it was of.
// The clustering columns stand beside constants, which let BigQuery skip what is clustered elsewhere.
const sqlFor = (eventLog: string, {account, stream}: StreamScope): string => `
WITH logged AS (
  SELECT created_at, event_type,
         JSON_VALUE(payload, '$.job') AS job,
         JSON_VALUE(payload, '$.selection') AS selection,
         JSON_VALUE(payload, '$.limited') AS limited,
         JSON_VALUE(payload, '$.identity') AS identity,
         JSON_VALUE(payload, '$.window.since') AS since,
         JSON_VALUE(payload, '$.window.until') AS until,
         TO_JSON_STRING(JSON_QUERY(payload, '$.bookmark')) AS bookmark,
         TO_JSON_STRING(JSON_QUERY(payload, '$.checkpoint')) AS checkpoint,
         SAFE_CAST(JSON_VALUE(payload, '$.commit') AS INT64) AS commit_number
  FROM ${eventLog}
  WHERE ${ANY_TIME} AND source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}
    AND event_type IN ('ingestion.completed', 'keys.swept') AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
    AND JSON_VALUE(payload, '$.account') ${account === null ? 'IS NULL' : '= @account'} AND ${isNotUndone(eventLog)}
), completed AS (
  SELECT * FROM logged WHERE event_type = 'ingestion.completed'
), windows AS (
  SELECT IF(since IS NULL, ${FROM_THE_START}, UNIX_MILLIS(TIMESTAMP(since))) AS since, UNIX_MILLIS(TIMESTAMP(until)) AS until
  FROM completed WHERE job = @job AND selection = @selection AND limited = 'false'
), ${islands()}
SELECT 'covered' AS kind, CAST(MIN(since) AS STRING) AS since, CAST(MAX(until) AS STRING) AS until, CAST(NULL AS STRING) AS text
FROM islands GROUP BY island
UNION ALL
SELECT kind, CAST(NULL AS STRING) AS since, CAST(NULL AS STRING) AS until, text FROM (
  SELECT 'bookmark' AS kind, bookmark AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC, commit_number DESC, until DESC) AS place
  FROM completed WHERE job = @job AND selection = @selection AND bookmark IS NOT NULL AND bookmark <> 'null'
  UNION ALL
  SELECT 'checkpoint' AS kind, checkpoint AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC, commit_number DESC) AS place
  FROM completed WHERE job = @job AND selection = @selection AND (limited = 'false' OR checkpoint <> 'null')
  UNION ALL
  SELECT 'swept' AS kind, CAST(UNIX_MILLIS(created_at) AS STRING) AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS place
  FROM logged WHERE event_type = 'keys.swept' AND job = @job AND selection = @selection
  UNION ALL
  SELECT 'identity' AS kind, identity AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS place
  FROM completed WHERE identity IS NOT NULL
  UNION ALL
  SELECT 'other' AS kind, selection AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS place
  FROM completed WHERE job = @job AND limited = 'false'
  UNION ALL
  SELECT 'now' AS kind, CAST(UNIX_MILLIS(CURRENT_TIMESTAMP()) AS STRING) AS text, 1 AS place
) WHERE place = 1
UNION ALL
SELECT 'log' AS kind, CAST(MAX(SAFE_CAST(JSON_VALUE(payload, '$.requires') AS INT64)) AS STRING) AS since, CAST(NULL AS STRING) AS until,
       STRING_AGG(DISTINCT IF(event_type = 'job.started', JSON_VALUE(payload, '$.mode'), NULL)) AS text
FROM ${eventLog} WHERE ${ANY_TIME} AND ${OF_RUNS}
UNION ALL
SELECT 'shape' AS kind, CAST(UNIX_MICROS(created_at) AS STRING) AS since, event_id AS until,
       TO_JSON_STRING(STRUCT(event_type, correlation_id, UNIX_MILLIS(created_at) AS created_ms, TO_JSON_STRING(payload) AS payload)) AS text
FROM ${eventLog}
WHERE ${ANY_TIME} AND source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}
  AND event_type IN (${SCHEMA_EVENTS}) AND ${isNotUndone(eventLog)}`

function stateFrom(rows: readonly Row[]): StreamState {
  const covered = rows
    .filter(({kind}) => kind === 'covered')
    .map(windowIn)
    .toSorted((one, other) => (one.since < other.since ? -1 : 1))
  const textOf = (wanted: string): string | undefined => textIn(rows, wanted)
  const jsonOf = (wanted: string): string | undefined => {
    const text = textOf(wanted)
    return text === 'null' ? undefined : text
  }
  const bookmark = textOf('bookmark')
  const checkpoint = jsonOf('checkpoint')
  const sweptAt = textOf('swept')
  const identity = textOf('identity')
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && textOf('other') !== undefined,
    ...(bookmark !== undefined && {bookmark: parseBookmark(bookmark)}),
    ...(checkpoint !== undefined && {checkpoint: parseCheckpoint(checkpoint)}),
    ...(sweptAt !== undefined && {sweptAt: Number(sweptAt)}),
    ...(identity !== undefined && {identity}),
    schema: schemaIn(rows),
  }
}

/** `since` is the highest requirement of an event, and `text` lists the modes of runs. */
function assertLogIsOwn(tables: TableSet, rows: readonly Row[]): void {
  const log = rows.find(({kind}) => kind === 'log')
  assertLogIsKnown(tables.eventLog, Number(log?.['since'] ?? 0))
  assertLogIsOf(tables, (log?.['text'] ?? '').split(','))
}

/** `since` is when the event was made, in microseconds, and `until` its id. */
function schemaIn(rows: readonly Row[]): readonly SchemaEvent[] {
  const events = rows.filter(({kind}) => kind === 'shape')
  const inOrder = events.toSorted((one, other) => {
    const [first, second] = [Number(one['since']), Number(other['since'])]
    return first === second ? (String(one['until']) < String(other['until']) ? -1 : 1) : first - second
  })
  return schemaEventsIn(inOrder.map(({text}) => JSON.parse(text ?? '') as Row))
}

const textIn = (rows: readonly Row[], wanted: string): string | undefined =>
  rows.find(({kind}) => kind === wanted)?.['text'] ?? undefined
