import type {DuckDBConnection} from '@duckdb/node-api'
import {z} from 'zod'

import {failure, busy} from '../../base/errors.ts'
import {createEvent, type Event} from '../../model/events.ts'
import {isAlive, processIdentity} from '../../base/process-identity.ts'
import type {TableSet} from '../../model/tables.ts'
import type {RunToBegin} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {insertEvents} from './events.ts'
import {identifier, rowsOf} from './sql.ts'

// Only for runs on another machine, whose process cannot be looked at.
const SILENCE_OF_THE_DEAD = 60 * 60 * 1000

const startedPayload = z.object({
  streams: z.array(z.string()),
  process: processIdentity,
})

/**
 * A run holds its streams from its `job.started` to its `job.completed` or `job.failed`, in the event log of the
 * tables that it writes. So the lease is written with the audit trail, in one transaction, and needs no table of its
 * own.
 */
export async function takeLease(connection: DuckDBConnection, run: RunToBegin): Promise<Event> {
  const started = run.started()
  const wanted = startedPayload.parse(started.payload)
  for (const row of await openRuns(connection, run.tables)) {
    const other = startedPayload.safeParse(JSON.parse(String(row['payload'])))
    if (!other.success || !other.data.streams.some((stream) => wanted.streams.includes(stream))) continue
    const otherRun = String(row['run_id'])
    const {host, pid} = other.data.process
    const alive = await isAlive(other.data.process)
    const silence = Date.now() - Number(row['last_heard'])
    if (alive ?? silence < SILENCE_OF_THE_DEAD) {
      throw busy(
        `run ${otherRun} is reading the same stream (process ${pid} on ${host}, started ${String(row['started'])})`,
        alive === undefined
          ? 'Wait for it to end; if it was killed, its stream is free again one hour after its last event.'
          : 'Wait for it to end, or stop it, and run the same command again.',
      )
    }
    await insertEvents(connection, run.tables, [
      createEvent({
        type: 'job.failed',
        runId: otherRun,
        at: new Date(),
        error: `ended without a word (process ${pid} on ${host} is gone); its stream was taken over by ${run.runId}`,
      }),
    ])
  }
  await insertEvents(connection, run.tables, [started])
  return started
}

/** A run that was taken for dead must not write any more, nor one whose file was exchanged. */
export async function assertLeaseHeld(connection: DuckDBConnection, tables: TableSet, runId: string): Promise<void> {
  if (!(await tableExists(connection, tables.eventLog))) throw fileExchanged(`there is no ${tables.eventLog} any more`)
  const own = await rowsOf(
    connection,
    `SELECT event_type, error_message FROM ${identifier(tables.eventLog)}
     WHERE correlation_id = $runId AND event_type IN ('job.started', 'job.completed', 'job.failed')`,
    {runId},
  )
  if (!own.some((row) => row['event_type'] === 'job.started'))
    throw fileExchanged(`${tables.eventLog} does not hold this run`)
  const ended = own.find((row) => row['event_type'] !== 'job.started')
  if (ended === undefined) return
  throw failure(
    `this run lost its stream: ${String(ended['error_message'] ?? 'it was ended by another run')}`,
    'Nothing of this commit was written; the other run reads the same records.',
  )
}

export const fileExchanged = (what: string): Error =>
  failure(
    `the database was replaced or removed while the run was going on: ${what}`,
    'Nothing of this commit was written. Put the right file in place and run again: what it lacks is read anew.',
  )

const openRuns = async (connection: DuckDBConnection, tables: TableSet): ReturnType<typeof rowsOf> =>
  rowsOf(
    connection,
    `WITH started AS (
       SELECT correlation_id, payload, created_at FROM ${identifier(tables.eventLog)} WHERE event_type = 'job.started'
     ), ended AS (
       SELECT correlation_id FROM ${identifier(tables.eventLog)} WHERE event_type IN ('job.completed', 'job.failed')
     ), open_run AS (
       SELECT * FROM started ANTI JOIN ended USING (correlation_id)
     )
     SELECT open_run.correlation_id AS run_id, any_value(open_run.payload) AS payload,
            strftime(any_value(open_run.created_at) AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%SZ') AS started,
            epoch_ms(max(event.created_at)) AS last_heard
     FROM open_run JOIN ${identifier(tables.eventLog)} AS event USING (correlation_id)
     GROUP BY open_run.correlation_id`,
  )
