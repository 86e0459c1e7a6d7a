import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import {FROM_THE_START} from '../coverage-sql.ts'
import {rejectIn, textOf} from '../event-rows.ts'
import {rejectsWithState} from '../rejects-sql.ts'
import {closeStored} from '../stored-since.ts'
import type {Reject, WantedRejects} from '../warehouse.ts'
import {TAKEN_AT} from './clock.ts'
import {tableExists} from './definitions.ts'
import {tableNamed, literal, rowsOf} from './sql.ts'
import {isNotUndone, undoneRuns} from './undone-runs.ts'

const COLUMNS = ['run_id', 'source_system', 'object_type', 'reference', 'reason', 'created_ms', 'seen_from_ms']
const MET_IN = ['job', 'account', 'selection', 'since', 'until', 'bookmark']

/** A window reaches from `since` to `until`; `until` is null where the event names none. */
const WINDOW = `coalesce(epoch_ms((payload->>'$.window.since')::TIMESTAMPTZ), ${FROM_THE_START})::DOUBLE AS since,
              epoch_ms((payload->>'$.window.until')::TIMESTAMPTZ)::DOUBLE AS until`

/** Rejects that 0.1.0 wrote name no job; their run does. */
const JOB = "coalesce(payload->>'$.job', started_job)"

export async function readRejects(
  connection: DuckDBConnection,
  tables: TableSet,
  wanted: WantedRejects,
): Promise<readonly Reject[] | undefined> {
  const log = tableNamed(tables.eventLog)
  const {of, since} = wanted
  if ('runId' in of) {
    const [run] = await rowsOf(connection, `SELECT 1 FROM ${log} WHERE correlation_id = $runId LIMIT 1`, of)
    if (run === undefined) return undefined
  }
  const rows = await rowsOf(
    connection,
    `WITH started AS (
       SELECT correlation_id AS started_run, any_value(payload->>'$.job') AS started_job,
              epoch_ms(max(${TAKEN_AT}))::DOUBLE AS started_ms
       FROM ${log} WHERE event_type = 'job.started' GROUP BY ALL
     ), rejected AS (
       SELECT event_id, rowid AS place, correlation_id AS run_id, source_system, object_type,
              (payload->>'$.reference') AS reference, error_message AS reason, epoch_ms(created_at)::DOUBLE AS created_ms,
              ${JOB} AS job, (payload->>'$.account') AS account, (payload->>'$.selection') AS selection,
              (payload->>'$.read_by') AS read_by, (payload->'$.bookmark') AS bookmark,
              coalesce(started_ms, created_ms) AS taken_ms, greatest(taken_ms, created_ms) AS seen_from_ms, ${WINDOW}
       FROM ${log} LEFT JOIN started ON started_run = correlation_id
       WHERE event_type = 'record.rejected' ${since === undefined ? '' : `AND epoch_ms(created_at) >= ${Math.trunc(since)}`}
         AND ${'runId' in of ? 'correlation_id = $runId' : `${JOB} = $job`}
     ), windows AS (
       SELECT correlation_id AS run_id, (payload->>'$.job') AS job, (payload->>'$.account') AS account, source_system, object_type,
              CASE WHEN (payload->>'$.read_by') = 'window' THEN 'window' ELSE 'bookmark' END AS read_by,
              coalesce(started_ms, epoch_ms(created_at)::DOUBLE) AS taken_ms,
              ${WINDOW}
       FROM ${log} LEFT JOIN started ON started_run = correlation_id
       WHERE event_type = 'ingestion.completed' AND status = 'ok' AND (payload->>'$.schema') = '1'
         AND (payload->>'$.limited') = 'false' AND (payload->>'$.read_by') IN ('window', 'earlier bookmark')
         AND (payload->>'$.job') IN (SELECT job FROM rejected) AND ${isNotUndone(tables)}
     ), ${rejectsWithState(
       [...COLUMNS, ...MET_IN].map((column) => `rejected.${column}`),
       wanted,
       undoneRuns(tables),
     )}`,
    {...of},
  )
  const rejects = rows.map(rejectIn)
  if (!(await tableExists(connection, tables.rawObjects))) return rejects
  const closed = await closeStored(rejects, async (_, idemKeys) => seenKeys(connection, tables.rawObjects, idemKeys))
  return wanted.closedToo ? closed : closed.filter(({open}) => open)
}

async function seenKeys(
  connection: DuckDBConnection,
  rawObjects: string,
  idemKeys: readonly string[],
): Promise<ReadonlyMap<string, number>> {
  const rows = await rowsOf(
    connection,
    `SELECT idem_key, epoch_ms(last_seen)::DOUBLE AS seen_ms FROM ${tableNamed(rawObjects)}
     WHERE idem_key IN (${idemKeys.map(literal).join(', ')})`,
  )
  return new Map(rows.map((row) => [textOf(row['idem_key']), Number(row['seen_ms'])]))
}
