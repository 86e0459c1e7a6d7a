import type {StreamsToCompare} from '../comparison.ts'
import {CLOCKS} from './carried-state.ts'
import {ofStream} from './commit-sql.ts'
import type {Connection} from './connection.ts'
import type {Queries} from './query.ts'
import {since} from './sql.ts'
import {OF_RUNS} from './undone-runs.ts'

/** Another one than before tells that somebody changed the streams. */
export interface Marker {
  readonly commits: number
  readonly lastRun: string | undefined
}

interface Watched {
  readonly connection: Connection
  readonly queries: Queries
  readonly streams: StreamsToCompare
  /** There is a log. */
  readonly eventLog: boolean
  readonly signal: AbortSignal
}

/** Reads what was logged since `from`, or was by a clock that is wrong: whoever compares two markers has no use for older events. */
export async function readMarker(
  {connection, queries, streams: {streams, tables, begunAt}, eventLog, signal}: Watched,
  from: Date,
): Promise<Marker> {
  if (!eventLog) return {commits: 0, lastRun: undefined}
  const ofStreams = streams.map((stream) => `(${ofStream(stream)})`)
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) AS STRING) AS commits, ARRAY_AGG(correlation_id ORDER BY created_at DESC LIMIT 1)[SAFE_OFFSET(0)] AS last_run
 FROM ${connection.tableName(tables.eventLog)}
 WHERE ${since(new Date(Math.min(from.getTime(), begunAt.getTime()) - CLOCKS))}
   AND ((${ofStreams.join(' OR ')}) AND event_type = 'ingestion.completed' OR ${OF_RUNS} AND event_type = 'run.undone')`,
    what: 'looking for changes since the comparison began',
    signal,
  })
  return {commits: Number(row?.['commits']), lastRun: row?.['last_run'] ?? undefined}
}
