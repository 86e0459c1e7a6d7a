import {FROM_THE_START, islands, windowIn} from '../coverage-sql.ts'
import {parseBookmark} from '../event-rows.ts'
import {assertLogIsKnown} from '../undone-runs.ts'
import type {StreamScope, StreamState} from '../warehouse.ts'
import type {Queries, Row} from './query.ts'
import {ANY_TIME, literal} from './sql.ts'
import {isNotUndone, OF_RUNS} from './undone-runs.ts'

/** Asks with one statement, so that the log is read and billed once, and for the time of its clock. */
export async function readStreamState(
  queries: Queries,
  eventLog: string,
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
  assertLogIsKnown(eventLog, Number(textIn(rows, 'requires') ?? 0))
  return {state: stateFrom(rows), at: new Date(Number(textIn(rows, 'now')))}
}

// `payload.schema` guards against events that another tool or a later version wrote.
// The clustering columns stand beside constants, which let BigQuery skip what is clustered elsewhere.
const sqlFor = (eventLog: string, {account, stream}: StreamScope): string => `
WITH completed AS (
  SELECT created_at,
         JSON_VALUE(payload, '$.job') AS job,
         JSON_VALUE(payload, '$.selection') AS selection,
         JSON_VALUE(payload, '$.limited') AS limited,
         JSON_VALUE(payload, '$.identity') AS identity,
         JSON_VALUE(payload, '$.window.since') AS since,
         JSON_VALUE(payload, '$.window.until') AS until,
         TO_JSON_STRING(JSON_QUERY(payload, '$.bookmark')) AS bookmark
  FROM ${eventLog}
  WHERE ${ANY_TIME} AND source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}
    AND event_type = 'ingestion.completed' AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
    AND JSON_VALUE(payload, '$.account') ${account === null ? 'IS NULL' : '= @account'} AND ${isNotUndone(eventLog)}
), windows AS (
  SELECT IF(since IS NULL, ${FROM_THE_START}, UNIX_MILLIS(TIMESTAMP(since))) AS since, UNIX_MILLIS(TIMESTAMP(until)) AS until
  FROM completed WHERE job = @job AND selection = @selection AND limited = 'false'
), ${islands()}
SELECT 'covered' AS kind, CAST(MIN(since) AS STRING) AS since, CAST(MAX(until) AS STRING) AS until, CAST(NULL AS STRING) AS text
FROM islands GROUP BY island
UNION ALL
SELECT kind, CAST(NULL AS STRING) AS since, CAST(NULL AS STRING) AS until, text FROM (
  SELECT 'bookmark' AS kind, bookmark AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC, until DESC) AS place
  FROM completed WHERE job = @job AND selection = @selection AND bookmark IS NOT NULL AND bookmark <> 'null'
  UNION ALL
  SELECT 'identity' AS kind, identity AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS place
  FROM completed WHERE identity IS NOT NULL
  UNION ALL
  SELECT 'other' AS kind, selection AS text, ROW_NUMBER() OVER (ORDER BY created_at DESC) AS place
  FROM completed WHERE job = @job AND limited = 'false'
  UNION ALL
  SELECT 'requires' AS kind, CAST(MAX(SAFE_CAST(JSON_VALUE(payload, '$.requires') AS INT64)) AS STRING) AS text, 1 AS place
  FROM ${eventLog} WHERE ${ANY_TIME} AND ${OF_RUNS}
  UNION ALL
  SELECT 'now' AS kind, CAST(UNIX_MILLIS(CURRENT_TIMESTAMP()) AS STRING) AS text, 1 AS place
) WHERE place = 1`

function stateFrom(rows: readonly Row[]): StreamState {
  const covered = rows
    .filter(({kind}) => kind === 'covered')
    .map(windowIn)
    .toSorted((one, other) => (one.since < other.since ? -1 : 1))
  const textOf = (wanted: string): string | undefined => textIn(rows, wanted)
  const bookmark = textOf('bookmark')
  const identity = textOf('identity')
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && textOf('other') !== undefined,
    ...(bookmark !== undefined && {bookmark: parseBookmark(bookmark)}),
    ...(identity !== undefined && {identity}),
  }
}

const textIn = (rows: readonly Row[], wanted: string): string | undefined =>
  rows.find(({kind}) => kind === wanted)?.['text'] ?? undefined
