import {islands, SCOPE} from './coverage-sql.ts'
import type {WantedRejects} from './warehouse.ts'

/** A later run must have read the same stream for the same job, whatever its selection: what that leaves out is not wanted. */
const STREAM = SCOPE.filter((column) => column !== 'selection')
const LATER_RUN = ['run_id', ...STREAM, 'read_by']

/**
 * Ends a query that begins with these common table expressions: `rejected`, with a row for each reject, and `windows`, with those
 * that runs read completely; `taken_ms` says when their runs took their streams, by the warehouse's own clock. `state` is `closed`
 * where one later run read again all that a record was met in: it would have rejected it anew. It is `closed`, too, where its own
 * run is one of `undoneRuns`, a query: what that read is read again.
 */
export const rejectsWithState = (
  columns: readonly string[],
  {closedToo, limit}: Pick<WantedRejects, 'closedToo' | 'limit'>,
  undoneRuns: string,
): string => `${islands(LATER_RUN)}, again AS (
  SELECT ${LATER_RUN.join(', ')}, MIN(since) AS since, MAX(until) AS until, MAX(taken_ms) AS taken_ms
  FROM islands GROUP BY ${LATER_RUN.join(', ')}, island
), closed AS (
  SELECT DISTINCT rejected.event_id FROM rejected JOIN again
  ON again.job = rejected.job AND COALESCE(again.account, '') = COALESCE(rejected.account, '')
  AND again.source_system = rejected.source_system AND again.object_type = rejected.object_type
  AND again.read_by = rejected.read_by
  WHERE again.run_id <> rejected.run_id AND again.taken_ms > rejected.taken_ms
  AND again.since <= rejected.since AND again.until >= rejected.until
  UNION DISTINCT SELECT event_id FROM rejected WHERE run_id IN (${undoneRuns})
)
SELECT ${columns.join(', ')}, CASE WHEN closed.event_id IS NULL THEN 'open' ELSE 'closed' END AS state
FROM rejected LEFT JOIN closed ON closed.event_id = rejected.event_id
${closedToo ? '' : 'WHERE closed.event_id IS NULL '}ORDER BY rejected.created_ms, rejected.place LIMIT ${limit}`
