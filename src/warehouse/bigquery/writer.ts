import type {Event} from '../../model/events.ts'
import {setNameOf} from '../../model/tables.ts'
import {CARRIED_REQUIRES} from '../undone-runs.ts'
import type {RunToBegin, WarehouseWriter} from '../warehouse.ts'
import {commitBatch, type CommitOptions} from './commit.ts'
import type {Connection} from './connection.ts'
import {assertProductionTables, createMissingCopies} from './definitions.ts'
import {carriedEvent, partWith} from './carried-state.ts'
import {insertEvents, passedEvents} from './events.ts'
import {dropLeases, keepLeases, takeLeases, thisProcess} from './leases.ts'
import {LEASE, leaseName, STAGING, stagingName} from './names.ts'
import {openRejectsToCarry, readOpenRejects} from './open-rejects.ts'
import {promoteRows} from './promote.ts'
import type {Queries} from './query.ts'
import {withStoredClosed} from './rejects.ts'
import {seedRows} from './seed.ts'
import {dropStaging, dropStagingOf, protectionOf} from './staging.ts'
import {readStreamLogs, type ReadLog} from './stream-state.ts'
import {removeSurplusRows} from './surplus-rows.ts'
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
  if (definitionFrom === undefined) await assertProductionTables(connection, queries, tables)
  else await createMissingCopies(connection, queries, tables, definitionFrom)
  const protection = {
    records: await protectionOf(connection, tables.rawObjects),
    events: await protectionOf(connection, tables.eventLog),
  }
  const dead = await takeLeases(connection, queries, leases, await thisProcess(runId, run.claim))
  const eventLog = connection.tableName(tables.eventLog)
  const started = run.started()
  const since = new Date(started.created_at)
  let logs: readonly ReadLog[]
  let readAt: Date
  // What is carried of rejects is found in it at the end of the run, too, however long that takes.
  let partOfRejects = partWith(since)
  const staged: string[] = []
  try {
    for (const {correlation_id: deadRun} of dead) await dropStagingOf(connection, tables, deadRun)
    logs = await readStreamLogs(queries, {tables, eventLog}, scopes, signal)
    readAt = logs.at(-1)?.at ?? new Date()
    if (definitionFrom !== undefined) await renewExpiry(place, own, readAt)
    // What an older lorchestra must not misread is said by the event of a run.
    const isRun = started.event_type === 'job.started'
    const carried: Event[] = []
    for (const {scope, at, part, toCarry, tellsOpenRejects} of logs) {
      if (toCarry === undefined || !isRun) {
        if (!tellsOpenRejects) partOfRejects = {}
        continue
      }
      const ofScope = {queries, eventLog, part: tellsOpenRejects ? part : {}, scopes: [scope], signal}
      const {openRejects, rows} = await openRejectsToCarry(ofScope)
      if (openRejects !== 'told') partOfRejects = {}
      carried.push(carriedEvent(scope, {runId, madeAt: since, readAt: at, rows: [...toCarry, ...rows], openRejects}))
    }
    const requires = carried.length === 0 ? {} : {requires: CARRIED_REQUIRES}
    const timed = {...started, payload: {...started.payload, warehouse_time: readAt.toISOString(), ...requires}}
    const {source, values} = passedEvents([...dead, timed, ...carried])
    const sql = insertEvents(eventLog, source, since).join(';')
    await queries.run(`${name}-started`, {sql, values, what: 'writing job.started'})
  } catch (error) {
    await dropLeases(connection, queries, leases, runId)
    throw error
  }
  const ahead = readAt.getTime() - Date.now()
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
    logs,
    name: `${name}_${work}`,
    staged,
  })
  return {
    since,
    states: logs.map(({state}) => state),
    openRejects: async () => {
      const open = await readOpenRejects({queries, eventLog, part: partOfRejects, scopes, signal})
      const rows = {queries, rawObjects: connection.tableName(tables.rawObjects), signal}
      return (await withStoredClosed(rows, open)).filter((reject) => reject.open)
    },
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
    removeSurplusRows: async (removal) => removeSurplusRows(optionsOf('surplus'), since, removal),
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
