import type {DuckDBConnection} from '@duckdb/node-api'

import type {Stream} from '../../source.ts'
import {inTurn} from '../../base/waiting.ts'
import type {Event} from '../../model/events.ts'
import type {TableSet} from '../../model/tables.ts'
import {
  NOTHING_COVERED,
  NOTHING_KNOWN,
  type AddedColumns,
  type CommitResult,
  type DescribedTable,
  type KeyIndex,
  type Reject,
  type RunEvent,
  type RunToBegin,
  type StreamScope,
  type StreamState,
  type WantedRejects,
  type WantedRuns,
  type Warehouse,
  type WarehouseDescription,
  type WarehouseWriter,
} from '../warehouse.ts'
import {DELIMITED_LINES} from '../record-lines.ts'
import type {CompareOptions, Comparison, StreamsToCompare} from '../comparison.ts'
import {noTable, type ComparedTables} from '../promotion.ts'
import type {RunsToUndo, UndoneRows} from '../undo.ts'
import {commitBatch} from './commit.ts'
import {DuckDBComparison} from './comparison.ts'
import {databaseExists, inTransaction, withDatabase, type DatabaseOptions} from './connection.ts'
import {
  addMissingColumns,
  assertCompatibleTables,
  createMissingCopies,
  createMissingTables,
  dropTables,
  tableExists,
} from './definitions.ts'
import type {KeepFormer} from './former-payloads.ts'
import {bytesOf, countSurplusRows, describeStreams, describeTable} from './description.ts'
import {exportKeys} from './keys.ts'
import {assertLeaseHeld, fileExchanged, takeLease} from './leases.ts'
import {createMissingDatabase} from './new-database.ts'
import {readRejects} from './rejects.ts'
import type {LockTimeouts} from './lock-wait.ts'
import {compareRows, promoteRows} from './promote.ts'
import {readRunEvents} from './run-events.ts'
import {showRunLives} from './run-sign.ts'
import {readStreamStates} from './stream-state.ts'
import {findRowsToUndo, undoRows} from './undo.ts'
import {assertIsWritable} from './writable.ts'

/** A run that has something to lose waits longer than a command that only reads. */
export interface LockTimeoutsOfRuns {
  /** @default lockTimeout */
  readonly commitTimeout?: number
  /** Commits keep what they change for so many milliseconds, up to so many bytes each. @default 7 days, 256 MB */
  readonly undo?: number
  readonly undoBytes?: number
  readonly heldBy?: ((holder: string | undefined) => void) | undefined
}

/** Milliseconds between two tries of a commit. */
const LONGEST_PAUSE = 5_000
const UNDO = 7 * 24 * 60 * 60 * 1000
const UNDO_BYTES = 256_000_000

export class DuckDBWarehouse implements Warehouse {
  readonly recordLines = DELIMITED_LINES
  readonly #database: DatabaseOptions

  readonly #signal: AbortSignal
  readonly #timeouts: LockTimeouts
  readonly #undo: {readonly keepFor: number; readonly mostBytes: number}

  constructor(database: DatabaseOptions, signal: AbortSignal, run: LockTimeoutsOfRuns = {}) {
    const {commitTimeout = database.lockTimeout, undo = UNDO, undoBytes = UNDO_BYTES, heldBy} = run
    this.#undo = {keepFor: undo, mostBytes: undoBytes}
    this.#database = database
    this.#signal = signal
    this.#timeouts = {
      timeout: commitTimeout,
      stop: signal,
      timeoutOnceStopped: Math.min(database.lockTimeout, commitTimeout),
      longestPause: LONGEST_PAUSE,
      ...(heldBy !== undefined && {heldBy}),
    }
  }

  async readStreamStates(tables: TableSet, scopes: readonly StreamScope[]): Promise<readonly StreamState[]> {
    if (!(await databaseExists(this.#database.path))) return scopes.map(() => NOTHING_COVERED)
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      return readStreamStates(connection, tables, scopes)
    })
  }

  async readRejects(tables: TableSet, wanted: WantedRejects): Promise<readonly Reject[] | undefined> {
    if (!(await databaseExists(this.#database.path))) return undefined
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      return (await tableExists(connection, tables.eventLog)) ? readRejects(connection, tables, wanted) : undefined
    })
  }

  async readRunEvents(tables: TableSet, wanted: WantedRuns): Promise<readonly RunEvent[]> {
    if (!(await databaseExists(this.#database.path))) return []
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      return (await tableExists(connection, tables.eventLog)) ? readRunEvents(connection, tables, wanted) : []
    })
  }

  async describe(tables: TableSet): Promise<WarehouseDescription> {
    const names = [tables.eventLog, tables.rawObjects]
    if (!(await databaseExists(this.#database.path))) {
      return {tables: names.map((name) => ({name, exists: false})), streams: []}
    }
    const bytes = await bytesOf(this.#database.path)
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      const described: DescribedTable[] = []
      for (const name of names) described.push(await describeTable(connection, name))
      return {bytes, tables: described, streams: await describeStreams(connection, tables)}
    })
  }

  async countSurplusRows(tables: TableSet): Promise<number> {
    if (!(await databaseExists(this.#database.path))) return 0
    return withDatabase(this.#database, 'read', this.#signal, async (connection) =>
      countSurplusRows(connection, tables),
    )
  }

  async checkWritable(): Promise<void> {
    await assertIsWritable(this.#database.path)
  }

  async indexKeys(tables: TableSet, streams: readonly Stream[], folder: string): Promise<KeyIndex> {
    if (!(await databaseExists(this.#database.path))) return NOTHING_KNOWN
    const {openKeyIndex} = await import('../key-index.ts')
    const copy = async (connection: DuckDBConnection): Promise<string | undefined> =>
      (await tableExists(connection, tables.rawObjects))
        ? exportKeys(connection, tables.rawObjects, streams, folder)
        : undefined
    const file = await withDatabase(this.#database, 'read', this.#signal, copy, this.#timeouts)
    return file === undefined ? NOTHING_KNOWN : openKeyIndex(file, folder)
  }

  async openComparison(streams: StreamsToCompare): Promise<Comparison> {
    return DuckDBComparison.open({
      streams,
      database: this.#database,
      signal: this.#signal,
      timeouts: this.#timeouts,
    })
  }

  async compareTables(
    {from, to}: Parameters<Warehouse['compareTables']>[0],
    streams: readonly Stream[],
    options: CompareOptions,
  ): Promise<ComparedTables> {
    if (!(await databaseExists(this.#database.path))) throw noTable(from.rawObjects)
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, from)
      await assertCompatibleTables(connection, to)
      if (!(await tableExists(connection, from.rawObjects))) throw noTable(from.rawObjects)
      return compareRows(connection, {from, to}, streams, options)
    })
  }

  async findRowsToUndo(tables: TableSet, undo: RunsToUndo): Promise<readonly UndoneRows[]> {
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      return findRowsToUndo(connection, tables, undo)
    })
  }

  async dropTables(tables: TableSet): Promise<readonly string[]> {
    if (!(await databaseExists(this.#database.path))) return []
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => dropTables(connection, tables)),
    )
  }

  async createTables(tables: TableSet): Promise<readonly string[]> {
    await this.#makeWhereMissing()
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => {
        const made = await createMissingTables(connection, tables)
        await assertCompatibleTables(connection, tables)
        return made
      }),
    )
  }

  async addColumns(sets: readonly TableSet[]): Promise<readonly AddedColumns[]> {
    if (!(await databaseExists(this.#database.path))) return []
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => addMissingColumns(connection, sets)),
    )
  }

  async #makeWhereMissing(): Promise<void> {
    const {path} = this.#database
    await assertIsWritable(path)
    await inTurn(path, this.#signal, async () => createMissingDatabase(path))
  }

  async begin(run: RunToBegin): Promise<WarehouseWriter> {
    await this.#makeWhereMissing()
    const endLife = await showRunLives(this.#database.path, run.runId)
    let taken: {readonly started: Event; readonly states: readonly StreamState[]}
    try {
      taken = await this.#take(run)
    } catch (error) {
      await endLife()
      throw error
    }
    const {started, states} = taken
    let commits = 0
    // What has its definition from other tables is a copy of them, which is dropped as a whole.
    const keep = (): KeepFormer | undefined =>
      run.definitionFrom === undefined ? this.#keep(run, (commits += 1)) : undefined
    const inOneTransaction = this.#whileHeld(run)
    return {
      since: new Date(started.created_at),
      states,
      // A stopped run still commits what is whole and says that it stopped.
      commit: async (batch, events, idleSince) => {
        const kept = keep()
        if (!(await databaseExists(this.#database.path))) throw fileExchanged(`${this.#database.path} is gone`)
        const timeouts = {...this.#timeouts, ...(idleSince !== undefined && {idleSince})}
        const commit = async (connection: DuckDBConnection): Promise<CommitResult> =>
          inTransaction(connection, async () => {
            await assertLeaseHeld(connection, run.tables, run.runId)
            return commitBatch(connection, {...run, keep: kept}, batch, events)
          })
        return withDatabase(this.#database, 'write', undefined, commit, timeouts)
      },
      promote: async (promotion) =>
        inOneTransaction(async (connection) =>
          promoteRows(connection, {tables: run.tables, keep: this.#keep(run, 1)}, promotion),
        ),
      undo: async (undo) => inOneTransaction(async (connection) => undoRows(connection, run.tables, undo)),
      // The lease itself ends with the job.completed or job.failed of the last commit.
      close: endLife,
    }
  }

  #keep({runId}: RunToBegin, commit: number): KeepFormer {
    return {runId, commit, ...this.#undo}
  }

  #whileHeld(run: RunToBegin) {
    return async <Result>(write: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> =>
      withDatabase(
        this.#database,
        'write',
        this.#signal,
        async (connection) =>
          inTransaction(connection, async () => {
            await assertLeaseHeld(connection, run.tables, run.runId)
            return write(connection)
          }),
        this.#timeouts,
      )
  }

  async #take(run: RunToBegin): Promise<{readonly started: Event; readonly states: readonly StreamState[]}> {
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => {
        if (run.definitionFrom !== undefined) await createMissingCopies(connection, run.tables, run.definitionFrom)
        await createMissingTables(connection, run.tables)
        await assertCompatibleTables(connection, run.tables)
        return {
          started: await takeLease(connection, this.#database.path, run),
          states: await readStreamStates(connection, run.tables, run.scopes),
        }
      }),
    )
  }
}
