import {FROM_THE_START, islands} from '../coverage-sql.ts'
import {SCHEMA_EVENTS} from '../schema-events.ts'
import {MOST_REJECTS, type StreamScope} from '../warehouse.ts'
import {carriedStates, reachesBackTo, sinceOfTakenBack, type LogPart} from './carried-state.ts'
import {ofStream} from './commit-sql.ts'
import {since} from './sql.ts'
import {isNotUndone, OF_RUNS} from './undone-runs.ts'

const COLUMNS = ['kind', 'since', 'until', 'text', 'made', 'commit_number'] as const
/** The newest one of each of these counts. */
const NEWEST_COUNTS = `('bookmark', 'checkpoint', 'swept', 'identity', 'other')`

/** Names all columns of an answer, which are text; a row has some of them. */
const row = (kind: string, columns: Partial<Record<(typeof COLUMNS)[number], string>>): string =>
  COLUMNS.map((name) =>
    name === 'kind' ? `'${kind}' AS kind` : `${columns[name] ?? 'CAST(NULL AS STRING)'} AS ${name}`,
  ).join(', ')

const MADE = 'CAST(UNIX_MICROS(created_at) AS STRING)'

/**
 * Asks for all that a part of the log says of a stream, and what the newest carried state in it tells of what is older, in one
 * statement. The fold is such that an event which is both carried and read counts once.
 *
 * `payload.schema` guards against events that another tool or a later version wrote. What covers anything ended the reading that a
 * checkpoint before it was of. The clustering columns stand beside constants, which let BigQuery skip what is clustered elsewhere.
 */
export function streamLogSql(eventLog: string, part: LogPart, {account, stream}: StreamScope): string {
  const ofPart = since(part.since)
  const ofThis = ofStream(stream)
  const isOfAccount = account === null ? 'account IS NULL' : 'account = @account'
  const notUndone = isNotUndone(eventLog, sinceOfTakenBack(part))
  const reaches = reachesBackTo(part)
  const reachesBack = reaches === -Infinity ? 'TRUE' : `at_ms >= ${reaches}`
  return `
WITH ${carriedStates(eventLog, part, ofThis)}, of_stream AS (
  SELECT event_id, at_ms FROM counting WHERE ${reachesBack} ORDER BY at_ms DESC LIMIT 1
), own AS (
  SELECT event_id, at_ms, open_rejects FROM counting WHERE ${reachesBack}
    AND event_id IN (SELECT event_id FROM carried WHERE job = @job AND selection = @selection AND ${isOfAccount})
  ORDER BY at_ms DESC LIMIT 1
), older AS (
  SELECT ${COLUMNS.map((name) => `JSON_VALUE(told, '$.${name}') AS ${name}`).join(', ')},
         event_id IN (SELECT event_id FROM own) AS is_own, event_id IN (SELECT event_id FROM of_stream) AS is_of_stream
  FROM carried, UNNEST(JSON_QUERY_ARRAY(payload, '$.rows')) AS told
  WHERE event_id IN (SELECT event_id FROM own) OR event_id IN (SELECT event_id FROM of_stream)
), logged AS (
  SELECT created_at, event_type,
         JSON_VALUE(payload, '$.job') AS job,
         JSON_VALUE(payload, '$.selection') AS selection,
         JSON_VALUE(payload, '$.limited') AS limited,
         JSON_VALUE(payload, '$.identity') AS identity,
         JSON_VALUE(payload, '$.window.since') AS since,
         JSON_VALUE(payload, '$.window.until') AS until,
         TO_JSON_STRING(JSON_QUERY(payload, '$.bookmark')) AS bookmark,
         TO_JSON_STRING(JSON_QUERY(payload, '$.checkpoint')) AS checkpoint,
         JSON_VALUE(payload, '$.account') AS account,
         JSON_VALUE(payload, '$.commit') AS commit_number
  FROM ${eventLog}
  WHERE ${ofPart} AND ${ofThis}
    AND event_type IN ('ingestion.completed', 'keys.swept') AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
    AND ${notUndone}
), completed AS (
  SELECT * FROM logged WHERE event_type = 'ingestion.completed' AND ${isOfAccount}
), windows AS (
  SELECT IF(since IS NULL, ${FROM_THE_START}, UNIX_MILLIS(TIMESTAMP(since))) AS since, UNIX_MILLIS(TIMESTAMP(until)) AS until
  FROM completed WHERE job = @job AND selection = @selection AND limited = 'false'
  UNION ALL
  SELECT CAST(since AS INT64) AS since, CAST(until AS INT64) AS until FROM older WHERE is_own AND kind = 'covered'
), ${islands()}, candidates AS (
  SELECT ${row('bookmark', {text: 'bookmark', made: MADE, commit_number: 'commit_number', until: 'until'})}
  FROM completed WHERE job = @job AND selection = @selection AND bookmark IS NOT NULL AND bookmark <> 'null'
  UNION ALL
  SELECT ${row('checkpoint', {text: 'checkpoint', made: MADE, commit_number: 'commit_number'})}
  FROM completed WHERE job = @job AND selection = @selection AND (limited = 'false' OR checkpoint <> 'null')
  UNION ALL
  SELECT ${row('swept', {text: 'CAST(UNIX_MILLIS(created_at) AS STRING)', made: MADE})}
  FROM logged WHERE event_type = 'keys.swept' AND ${isOfAccount} AND job = @job AND selection = @selection
  UNION ALL
  SELECT ${row('identity', {text: 'identity', made: MADE})}
  FROM completed WHERE identity IS NOT NULL
  UNION ALL
  SELECT ${row('other', {text: 'selection', made: MADE})}
  FROM completed WHERE job = @job AND limited = 'false'
  UNION ALL
  SELECT ${COLUMNS.join(', ')} FROM older WHERE is_own AND kind IN ${NEWEST_COUNTS}
)
SELECT ${row('covered', {since: 'CAST(MIN(since) AS STRING)', until: 'CAST(MAX(until) AS STRING)'})}
FROM islands GROUP BY island
UNION ALL
SELECT ${COLUMNS.join(', ')} FROM (
  SELECT *, ROW_NUMBER() OVER (
    PARTITION BY kind ORDER BY SAFE_CAST(made AS INT64) DESC, SAFE_CAST(commit_number AS INT64) DESC, until DESC
  ) AS place
  FROM candidates
) WHERE place = 1
UNION ALL
SELECT ${row('now', {text: 'CAST(UNIX_MILLIS(CURRENT_TIMESTAMP()) AS STRING)'})}
UNION ALL
SELECT ${row('carried', {text: 'CAST(MAX(at_ms) AS STRING)', since: 'MAX(open_rejects)'})} FROM own
UNION ALL
SELECT ${row('log', {
    since: `CAST(MAX(SAFE_CAST(JSON_VALUE(payload, '$.requires') AS INT64)) AS STRING)`,
    text: `STRING_AGG(DISTINCT IF(event_type = 'job.started', JSON_VALUE(payload, '$.mode'), NULL))`,
  })}
FROM ${eventLog} WHERE ${ofPart} AND ${OF_RUNS}
UNION ALL
SELECT ${row('shape', {
    since: 'CAST(UNIX_MICROS(created_at) AS STRING)',
    until: 'event_id',
    text: `TO_JSON_STRING(STRUCT(event_type AS event_type, correlation_id AS correlation_id, UNIX_MILLIS(created_at) AS created_ms, TO_JSON_STRING(payload) AS payload))`,
  })}
FROM ${eventLog}
WHERE ${ofPart} AND ${ofThis} AND event_type IN (${SCHEMA_EVENTS}) AND ${notUndone}
UNION ALL
SELECT ${row('rejected', {text: 'reference', made: 'CAST(last_made AS STRING)'})} FROM (
  SELECT reference, MAX(made) AS last_made FROM (
    SELECT JSON_VALUE(payload, '$.reference') AS reference, UNIX_MICROS(created_at) AS made
    FROM ${eventLog}
    WHERE ${ofPart} AND ${ofThis} AND event_type = 'record.rejected' AND ${notUndone}
    UNION ALL
    SELECT text AS reference, CAST(made AS INT64) AS made FROM older WHERE is_of_stream AND kind = 'rejected'
  ) WHERE reference IS NOT NULL GROUP BY reference ORDER BY last_made DESC, reference LIMIT ${MOST_REJECTS}
)
UNION ALL
SELECT ${COLUMNS.join(', ')} FROM older WHERE is_own AND kind = 'log' OR is_of_stream AND kind = 'shape'`
}
