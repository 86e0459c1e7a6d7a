import {setNameOf} from '../../model/tables.ts'
import type {RunToBegin, WarehouseWriter} from '../warehouse.ts'
import {commitBatch, type CommitOptions} from './commit.ts'
import type {Connection} from './connection.ts'
import {assertProductionTables, createMissingCopies} from './definitions.ts'
import {insertEvents} from './events.ts'
import {dropLeases, keepLeases, takeLeases, thisProcess} from './leases.ts'
import {LEASE, leaseName, STAGING, stagingName} from './names.ts'
import {promoteRows} from './promote.ts'
import type {Queries} from './query.ts'
import {seedRows} from './seed.ts'
import {dropStaging, dropStagingOf, protectionOf} from './staging.ts'
import {readStreamStates, type StatesAt} from './stream-state.ts'
import {setExpiry} from './table-metadata.ts'
import {undoRows} from './undo.ts'

export interface WritablePlace {
  readonly connection: Connection
  readonly queries: Queries
  readonly signal: AbortSignal
  /** See `CommitOptions`. */
  readonly touchAfter: number
  /** Test tables are removed so many milliseconds after the last run into them; 0: never. */
  readonly testTablesExpire: number
}

/** Takes the run's streams, by leases that it gives back when it is closed. */
export async function beginWriting(place: WritablePlace, run: RunToBegin): Promise<WarehouseWriter> {
  const {connection, queries, signal, touchAfter} = place
  const {tables, definitionFrom, runId, scopes} = run
  const streams = scopes.map(({stream}) => stream)
  const name = stagingName(connection.dataset, tables, runId)
  const own = [tables.eventLog, tables.rawObjects]
  const leases = streams.map((stream) => leaseName(connection.dataset, tables, stream))
  const writable = {
    tables: own,
    prefixes: [STAGING[setNameOf(tables)], LEASE[setNameOf(tables)]],
    expiring: definitionFrom === undefined ? leases : [...leases, ...own],
  }
  connection.allowWrites(writable)
  if (definitionFrom === undefined) await assertProductionTables(connection, tables)
  else await createMissingCopies(connection, tables, definitionFrom)
  const protection = {
    records: await protectionOf(connection, tables.rawObjects),
    events: await protectionOf(connection, tables.eventLog),
  }
  const dead = await takeLeases(connection, queries, leases, await thisProcess(runId, run.claim))
  const eventLog = connection.tableName(tables.eventLog)
  const started = run.started()
  const since = new Date(started.created_at)
  let read: StatesAt
  const staged: string[] = []
  try {
    for (const {correlation_id: deadRun} of dead) await dropStagingOf(connection, tables, deadRun)
    read = await readStreamStates(queries, {tables, eventLog}, scopes, signal)
    if (definitionFrom !== undefined) await renewExpiry(place, own, read.at)
    const timed = {...started, payload: {...started.payload, warehouse_time: read.at.toISOString()}}
    const sql = insertEvents(eventLog, {inline: [...dead, timed]}, since).join(';')
    await queries.run(`${name}-started`, {sql, what: 'writing job.started'})
  } catch (error) {
    await dropLeases(connection, queries, leases, runId)
    throw error
  }
  const ahead = read.at.getTime() - Date.now()
  const stopHeartbeat = keepLeases(connection, leases, () => new Date(Date.now() + ahead))
  let commits = 0
  const optionsOf = (work: string): CommitOptions => ({
    connection,
    queries,
    tables,
    streams,
    leases,
    runId,
    touchAfter,
    signal,
    protection,
    name: `${name}_${work}`,
    staged,
  })
  return {
    since,
    states: read.states,
    // A stopped run still commits what is whole and says that it stopped.
    commit: async (batch, events) => {
      commits += 1
      return commitBatch(optionsOf(String(commits)), batch, events)
    },
    promote: async (promotion) => {
      const {from} = promotion
      connection.allowWrites({
        ...writable,
        prefixes: [...writable.prefixes, LEASE[setNameOf(from)]],
        readOnly: [from.eventLog, from.rawObjects],
      })
      return promoteRows(optionsOf('promotion'), since, promotion)
    },
    seed: async (seed) => {
      connection.allowWrites({...writable, readOnly: [seed.from.rawObjects]})
      return seedRows(optionsOf('seed'), since, seed)
    },
    undo: async (undo) => undoRows(optionsOf('undo'), since, undo),
    close: async () => {
      await stopHeartbeat()
      await dropStaging(connection, staged)
      await dropLeases(connection, queries, leases, runId)
    },
  }
}

/** Both go at the same moment of BigQuery's own clock. */
async function renewExpiry(
  {connection, testTablesExpire}: WritablePlace,
  tables: readonly string[],
  now: Date,
): Promise<void> {
  const at = testTablesExpire === 0 ? null : new Date(now.getTime() + testTablesExpire)
  for (const table of tables) await setExpiry(connection, table, at)
}
