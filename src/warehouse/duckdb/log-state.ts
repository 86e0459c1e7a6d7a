import {stat} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'

import {hasCode} from '../../base/system-error.ts'
import type {Stream} from '../../source.ts'
import {tableExists} from './definitions.ts'
import {rowsOf, tableNamed} from './sql.ts'
import {ofStreams} from './staging.ts'

/** What the event log says of who wrote last. */
export interface LogState {
  /** The number of all events. */
  readonly events: number
  /** The run that committed last to one of the streams, or undid runs. */
  readonly lastRun: string | undefined
  /** The run that logged anything last. */
  readonly lastWriter: string | undefined
  /** The number of commits to them. */
  readonly commits: number
}

export async function readLogState(
  connection: DuckDBConnection,
  eventLog: string,
  streams: readonly Stream[],
): Promise<LogState> {
  if (!(await tableExists(connection, eventLog)))
    return {events: 0, lastRun: undefined, lastWriter: undefined, commits: 0}
  const committed = `(event_type = 'run.undone' OR event_type = 'ingestion.completed' AND ${ofStreams(streams)})`
  const [row] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE AS events, count(CASE WHEN ${committed} THEN 1 END)::DOUBLE AS commits,
            arg_max(correlation_id, created_at) FILTER (${committed}) AS last_run,
            arg_max(correlation_id, created_at) AS last_writer
     FROM ${tableNamed(eventLog)}`,
  )
  const runIn = (column: string): string | undefined => {
    const runId = row?.[column]
    return typeof runId === 'string' ? runId : undefined
  }
  return {
    events: Number(row?.['events']),
    commits: Number(row?.['commits']),
    lastRun: runIn('last_run'),
    lastWriter: runIn('last_writer'),
  }
}

/** Says the same as long as nobody wrote to the file. */
export async function fileState(path: string): Promise<string> {
  const states = await Promise.all([path, `${path}.wal`].map(stateOf))
  return states.join(' ')
}

async function stateOf(path: string): Promise<string> {
  try {
    const {ino, size, mtimeNs} = await stat(path, {bigint: true})
    return `${ino}-${size}-${mtimeNs}`
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return 'none'
    throw error
  }
}
