import type {DuckDBConnection} from '@duckdb/node-api'

import {inTurn} from '../../base/waiting.ts'
import type {Event} from '../../model/events.ts'
import type {RunToBegin, StreamState, WarehouseWriter} from '../warehouse.ts'
import {timed} from './clock.ts'
import {commitBatch} from './commit.ts'
import {databaseExists, inTransaction, withDatabase, type DatabaseOptions} from './connection.ts'
import {assertCompatibleTables, createMissingCopies, createMissingTables} from './definitions.ts'
import type {KeepFormer} from './former-payloads.ts'
import {assertLeaseHeld, fileExchanged, takeLease} from './leases.ts'
import type {LockTimeouts} from './lock-wait.ts'
import {assertRowsAreNotMissed} from './missed-rows.ts'
import {createMissingDatabase} from './new-database.ts'
import {promoteRows} from './promote.ts'
import {showRunLives} from './run-sign.ts'
import {seedRows} from './seed.ts'
import {readStreamStates} from './stream-state.ts'
import {removeSurplusRows} from './surplus-rows.ts'
import {undoRows} from './undo.ts'
import {assertIsWritable} from './writable.ts'

export interface WritableFile {
  readonly database: DatabaseOptions
  readonly signal: AbortSignal
  readonly timeouts: LockTimeouts
  /** How long, and how much of, what commits change is kept to undo them. */
  readonly undo: Omit<KeepFormer, 'runId' | 'commit'>
}

/** Makes the file that holds the tables, where there is none. */
export async function makeWhereMissing(path: string, signal: AbortSignal): Promise<void> {
  await assertIsWritable(path)
  await inTurn(path, signal, async () => createMissingDatabase(path))
}

/** Takes the run's streams, and opens the file for as long as each of its transactions takes. */
export async function beginWriting(file: WritableFile, run: RunToBegin): Promise<WarehouseWriter> {
  const {database, signal, timeouts, undo} = file
  const keepFormer = (commit: number): KeepFormer => ({runId: run.runId, commit, ...undo})
  await makeWhereMissing(database.path, signal)
  const endLife = await showRunLives(database.path, run.runId)
  let taken: {readonly started: Event; readonly states: readonly StreamState[]}
  try {
    taken = await take(file, run)
  } catch (error) {
    await endLife()
    throw error
  }
  const {started, states} = taken
  let commits = 0
  // What has its definition from other tables is a copy of them, which is dropped as a whole.
  const keep = (): KeepFormer | undefined => (run.definitionFrom === undefined ? keepFormer((commits += 1)) : undefined)
  return {
    since: new Date(started.created_at),
    states,
    // A stopped run still commits what is whole and says that it stopped.
    commit: async (batch, events, idleSince) => {
      const kept = keep()
      if (!(await databaseExists(database.path))) throw fileExchanged(`${database.path} is gone`)
      const waiting = {...timeouts, ...(idleSince !== undefined && {idleSince})}
      return whileHeld({database, signal: undefined, timeouts: waiting}, run, async (connection) =>
        commitBatch(connection, {...run, keep: kept}, batch, events),
      )
    },
    promote: async (promotion) =>
      whileHeld(file, run, async (connection) =>
        promoteRows(connection, {tables: run.tables, keep: keepFormer(1)}, promotion),
      ),
    seed: async (seed) => whileHeld(file, run, async (connection) => seedRows(connection, run.tables, seed)),
    undo: async (runs) => whileHeld(file, run, async (connection) => undoRows(connection, run.tables, runs)),
    removeSurplusRows: async (removal) =>
      whileHeld(file, run, async (connection) =>
        removeSurplusRows(connection, {tables: run.tables, streams: run.scopes.map(({stream}) => stream)}, removal),
      ),
    // The lease itself ends with the job.completed or job.failed of the last commit.
    close: endLife,
  }
}

/** Writes in one transaction, as long as the streams are still the run's. */
async function whileHeld<Result>(
  {
    database,
    signal,
    timeouts,
  }: Pick<WritableFile, 'database' | 'timeouts'> & {readonly signal: AbortSignal | undefined},
  {tables, runId}: RunToBegin,
  write: (connection: DuckDBConnection) => Promise<Result>,
): Promise<Result> {
  const holding = async (connection: DuckDBConnection): Promise<Result> =>
    inTransaction(connection, async () => {
      await assertLeaseHeld(connection, tables, runId)
      return write(connection)
    })
  return withDatabase(database, 'write', signal, holding, timeouts)
}

async function take(
  {database, signal}: WritableFile,
  run: RunToBegin,
): Promise<{readonly started: Event; readonly states: readonly StreamState[]}> {
  return withDatabase(database, 'write', signal, async (connection) =>
    inTransaction(connection, async () => {
      await assertRowsAreNotMissed(connection, run.tables)
      if (run.definitionFrom !== undefined) await createMissingCopies(connection, run.tables, run.definitionFrom)
      await createMissingTables(connection, run.tables)
      await assertCompatibleTables(connection, run.tables)
      return {
        started: await takeLease(connection, database.path, run, await timed(connection, run, run.started())),
        states: await readStreamStates(connection, run.tables, run.scopes),
      }
    }),
  )
}
