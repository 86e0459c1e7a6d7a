import {usageError} from '../../base/errors.ts'
import {SCOPE} from '../coverage-sql.ts'
import {carriedStates} from './carried-state.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, instant} from './sql.ts'
import {isNotUndone} from './undone-runs.ts'

const LISTED = 10

/**
 * Throws where events older than the retention tell of a stream that is still read and whose state is carried by none that stay:
 * it would be read from its beginning again.
 */
export async function assertAllIsCarried(
  queries: Queries,
  [name, eventLog]: readonly [string, string],
  retention: number,
): Promise<void> {
  const scope = SCOPE.join(', ')
  const end = instant(new Date(Date.now() - retention))
  const matches = SCOPE.map((column) => `IFNULL(kept.${column}, '') = IFNULL(read.${column}, '')`).join(' AND ')
  const rows = await queries.rows({
    sql: `WITH ${carriedStates(eventLog, {since: new Date(Date.now() - retention)}, 'TRUE')}, kept AS (
  SELECT DISTINCT ${scope} FROM carried WHERE event_id IN (SELECT event_id FROM counting)
), read AS (
  SELECT ${scope} FROM (
    SELECT JSON_VALUE(payload, '$.job') AS job, JSON_VALUE(payload, '$.account') AS account, source_system, object_type,
           JSON_VALUE(payload, '$.selection') AS selection, created_at
    FROM ${eventLog}
    WHERE ${ANY_TIME} AND event_type = 'ingestion.completed' AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
      AND ${isNotUndone(eventLog)}
  ) GROUP BY ${scope} HAVING MIN(created_at) < ${end} AND MAX(created_at) >= ${end}
)
SELECT DISTINCT read.job AS job FROM read LEFT JOIN kept ON ${matches} WHERE kept.job IS NULL ORDER BY job`,
    what: 'looking for streams that only old events tell of',
  })
  if (rows.length === 0) return
  const jobs = rows.map(({job}) => job ?? '?')
  const more = jobs.length > LISTED ? ` and ${jobs.length - LISTED} more` : ''
  throw usageError(
    `old events of ${name} hold what these jobs have read, and nothing else does: ${jobs.slice(0, LISTED).join(', ')}${more}`,
    {
      code: 'E_LOG_NEEDED',
      next: 'Nothing was changed. Run each of these jobs once with this version, which carries it on, and then this command again.',
    },
  )
}
