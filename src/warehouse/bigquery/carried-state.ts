import {createEvent, type Event} from '../../model/events.ts'
import type {JsonObject} from '../../source.ts'
import {CARRIED_REQUIRES} from '../undone-runs.ts'
import type {StreamScope} from '../warehouse.ts'
import type {Row} from './query.ts'
import {since} from './sql.ts'
import {OF_RUNS} from './undone-runs.ts'

const DAY = 24 * 60 * 60 * 1000
/** What is read of the log is at most so old, where a carried state tells of what is older. */
const NEWEST = 4 * DAY
/** Partitions go by clocks of machines, which are wrong by less than this. */
export const CLOCKS = DAY / 2
/** A carried state that is older is made anew. */
const RENEWED = DAY / 4

/** The part of a log that is read. */
export interface LogPart {
  /** Missing: all of it. */
  readonly since?: Date
}

export const newestPart = (): LogPart => ({since: new Date(Date.now() - NEWEST)})

/** All of the log, where the newest part does not hold what was logged then. */
export function partWith(at: Date): LogPart {
  const part = newestPart()
  return part.since !== undefined && at >= part.since ? part : {}
}

/** Begins early enough that no event which takes back one of the part is missed. */
export const sinceOfTakenBack = ({since: from}: LogPart): Date | undefined =>
  from === undefined ? undefined : new Date(from.getTime() - 2 * CLOCKS)

/** What is older than the part must have been there when the state was read. */
export const reachesBackTo = ({since: from}: LogPart): number =>
  from === undefined ? -Infinity : from.getTime() + CLOCKS

export const isToBeRenewed = (at: number, now: Date): boolean => at < now.getTime() - RENEWED

/**
 * Makes common table expressions: `carried`, the carried states of `streams`, and `counting`, those of them that an undo left
 * alone. A state tells of all runs that ended before it was read. It counts no more where one of those was undone later: both are
 * told by BigQuery's own clock, of when runs took their streams.
 */
export const carriedStates = (eventLog: string, part: LogPart, streams: string): string => `run_events AS (
  SELECT correlation_id AS run_id, event_type, UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.warehouse_time'))) AS taken, payload
  FROM ${eventLog} WHERE ${since(sinceOfTakenBack(part))} AND ${OF_RUNS} AND event_type IN ('job.started', 'run.undone')
), begun AS (
  SELECT run_id, taken FROM run_events WHERE event_type = 'job.started'
), taken_back AS (
  SELECT MIN(IFNULL(first_one.taken, 0)) AS from_ms, MAX(IFNULL(own.taken, 9000000000000000)) AS to_ms
  FROM (
    SELECT run_id, undone FROM run_events, UNNEST(JSON_VALUE_ARRAY(payload, '$.runs')) AS undone
    WHERE event_type = 'run.undone' AND JSON_VALUE(payload, '$.schema') = '1'
  ) AS undoing
  LEFT JOIN begun AS first_one ON first_one.run_id = undoing.undone
  LEFT JOIN begun AS own ON own.run_id = undoing.run_id
  GROUP BY undoing.run_id
), carried AS (
  SELECT event_id, source_system, object_type, payload, JSON_VALUE(payload, '$.job') AS job, JSON_VALUE(payload, '$.account') AS account,
         JSON_VALUE(payload, '$.selection') AS selection, JSON_VALUE(payload, '$.open_rejects') AS open_rejects, UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.at'))) AS at_ms
  FROM ${eventLog}
  WHERE ${since(part.since)} AND ${streams} AND event_type = 'state.carried' AND JSON_VALUE(payload, '$.schema') = '1'
), counting AS (
  SELECT event_id, at_ms, open_rejects FROM carried CROSS JOIN (SELECT from_ms, to_ms FROM taken_back UNION ALL SELECT 0, 0) AS ranges
  GROUP BY event_id, at_ms, open_rejects HAVING COUNTIF(at_ms > from_ms AND at_ms <= to_ms) = 0
)`

/** What the log tells of a stream before a run, so that later runs need not read what is older. */
export const carriedEvent = (
  {job, account, selection, stream}: StreamScope,
  {
    runId,
    madeAt,
    readAt,
    rows,
    openRejects,
  }: {
    readonly runId: string
    readonly madeAt: Date
    readonly readAt: Date
    readonly rows: readonly Row[]
    /** The rows tell of all that are open, or of none because they are too many. */
    readonly openRejects: 'told' | 'too many'
  },
): Event =>
  createEvent({
    type: 'state.carried',
    runId,
    at: madeAt,
    ...stream,
    payload: {
      schema: 1,
      requires: CARRIED_REQUIRES,
      job,
      account,
      selection,
      at: readAt.toISOString(),
      open_rejects: openRejects,
      rows: rows.map((row): JsonObject =>
        Object.fromEntries(Object.entries(row).filter(([, value]) => value !== null)),
      ),
    },
  })
