import {rm} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'
import {z} from 'zod'

import {failure} from '../../base/errors.ts'
import type {Event} from '../../model/events.ts'
import {isAlive, processIdentity} from '../../base/process-identity.ts'
import {DEAD_AFTER, silenceOf} from '../../base/sign-of-life.ts'
import type {TableSet} from '../../model/tables.ts'
import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import {
  begunAnew,
  endedWithoutAWord,
  heardInTheFuture,
  streamHeld,
  streamLost,
  type HoldingRun,
} from '../held-streams.ts'
import type {RunToBegin} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {insertEvents} from './events.ts'
import {signOf} from './run-sign.ts'
import {rowsOf, tableNamed} from './sql.ts'

const startedPayload = z.object({
  streams: z.array(z.string()),
  process: processIdentity,
  claim: z.string().optional(),
})

/**
 * A run holds its streams from its `job.started` to its `job.completed` or `job.failed`, in the event log of the
 * tables that it writes. So the lease is written with the audit trail, in one transaction, and needs no table of its
 * own.
 */
export async function takeLease(
  connection: DuckDBConnection,
  path: string,
  run: RunToBegin,
  started: Event,
): Promise<Event> {
  const wanted = startedPayload.parse(started.payload)
  for (const row of await openRuns(connection, run.tables)) {
    const other = startedPayload.safeParse(JSON.parse(String(row['payload'])))
    if (!other.success || !other.data.streams.some((stream) => wanted.streams.includes(stream))) continue
    const holder = {runId: String(row['run_id']), process: other.data.process}
    const isOwn = wanted.claim !== undefined && other.data.claim === wanted.claim
    if (!isOwn) await assertDead({...holder, startedAt: String(row['started'])}, Number(row['last_heard']), path)
    const ending = isOwn ? begunAnew(holder, run.runId) : endedWithoutAWord(holder, run.runId)
    await insertEvents(connection, run.tables, [ending])
    await rm(signOf(path, holder.runId), {force: true})
  }
  await insertEvents(connection, run.tables, [started])
  return started
}

async function assertDead(
  holder: HoldingRun & {readonly startedAt: string},
  lastHeard: number,
  path: string,
): Promise<void> {
  const alive = await isAlive(holder.process)
  const silence = Math.min(Date.now() - lastHeard, (await silenceOf(signOf(path, holder.runId))) ?? Infinity)
  if (alive === undefined && silence < -CLOCK_TOLERANCE) throw heardInTheFuture(holder)
  if (alive ?? silence < DEAD_AFTER) throw streamHeld(holder, alive === undefined)
}

/** A run that was taken for dead must not write any more, nor one whose file was exchanged. */
export async function assertLeaseHeld(connection: DuckDBConnection, tables: TableSet, runId: string): Promise<void> {
  if (!(await tableExists(connection, tables.eventLog))) throw fileExchanged(`there is no ${tables.eventLog} any more`)
  const own = await rowsOf(
    connection,
    `SELECT event_type, error_message FROM ${tableNamed(tables.eventLog)}
     WHERE correlation_id = $runId AND event_type IN ('job.started', 'job.completed', 'job.failed')`,
    {runId},
  )
  if (!own.some((row) => row['event_type'] === 'job.started'))
    throw fileExchanged(`${tables.eventLog} does not hold this run`)
  const ended = own.find((row) => row['event_type'] !== 'job.started')
  if (ended === undefined) return
  throw streamLost(String(ended['error_message'] ?? 'it was ended by another run'))
}

export const fileExchanged = (what: string): Error =>
  failure(`the database was replaced or removed while the run was going on: ${what}`, {
    code: 'E_DATABASE_GONE',
    next: 'Nothing of this commit was written. Put the right file in place and run again: what it lacks is read anew.',
  })

const openRuns = async (connection: DuckDBConnection, tables: TableSet): ReturnType<typeof rowsOf> =>
  rowsOf(
    connection,
    `WITH started AS (
       SELECT correlation_id, payload, created_at FROM ${tableNamed(tables.eventLog)} WHERE event_type = 'job.started'
     ), ended AS (
       SELECT correlation_id FROM ${tableNamed(tables.eventLog)} WHERE event_type IN ('job.completed', 'job.failed')
     ), open_run AS (
       SELECT * FROM started ANTI JOIN ended USING (correlation_id)
     )
     SELECT open_run.correlation_id AS run_id, any_value(open_run.payload) AS payload,
            strftime(any_value(open_run.created_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS started,
            epoch_ms(max(event.created_at)) AS last_heard
     FROM open_run JOIN ${tableNamed(tables.eventLog)} AS event USING (correlation_id)
     GROUP BY open_run.correlation_id`,
  )
