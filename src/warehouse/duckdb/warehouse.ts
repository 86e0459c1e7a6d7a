import type {DuckDBConnection} from '@duckdb/node-api'

import type {Stream} from '../../source.ts'
import {usageError} from '../../base/errors.ts'
import type {TableSet} from '../../model/tables.ts'
import {
  NOTHING_COVERED,
  type DescribedTable,
  type RecordKey,
  type Reject,
  type RunEvent,
  type RunToBegin,
  type StoredRecord,
  type StreamScope,
  type StreamState,
  type WantedRejects,
  type Warehouse,
  type WarehouseDescription,
  type WarehouseWriter,
} from '../warehouse.ts'
import type {WantedRuns} from '../wanted-runs.ts'
import {NOTHING_KNOWN, type KeyIndex} from '../stored-keys.ts'
import type {StoredPayload, WantedPayloads} from '../stored-payloads.ts'
import type {AdHocAnswer, AdHocQuery} from '../ad-hoc-query.ts'
import {DELIMITED_LINES} from '../record-lines.ts'
import type {CompareOptions, Comparison, StreamsToCompare} from '../comparison.ts'
import {noTable, type ComparedTables} from '../promotion.ts'
import type {ViewSql, ViewToMake} from '../view-columns.ts'
import {answerInto} from './ad-hoc-query.ts'
import type {RunsToUndo, UndoneRows} from '../undo.ts'
import type {SeedEstimate} from '../seed.ts'
import type {SurplusRows} from '../surplus-rows.ts'
import type {AddedColumns, TablesToCreate} from '../tables-to-create.ts'
import {DuckDBComparison} from './comparison.ts'
import {databaseExists, inTransaction, withDatabase, type DatabaseOptions} from './connection.ts'
import {
  addMissingColumns,
  assertCompatibleTables,
  createMissingTables,
  dropTables,
  tableExists,
  tablesThatBegin,
} from './definitions.ts'
import {bytesOf, describeStreams, describeTable} from './description.ts'
import {exportKeys} from './keys.ts'
import {assertRowsAreNotMissed} from './missed-rows.ts'
import {readPayloads} from './payloads.ts'
import {readRejects} from './rejects.ts'
import type {LockTimeouts} from './lock-wait.ts'
import {compareRows} from './promote.ts'
import {RowFile} from './row-file.ts'
import {readRunEvents} from './run-events.ts'
import {countRowsOf} from './seed.ts'
import {readRecord} from './stored-record.ts'
import {readStreamStates} from './stream-state.ts'
import {countSurplusRows, findSurplusRows} from './surplus-rows.ts'
import {createView, viewSql} from './views.ts'
import {findRowsToUndo} from './undo.ts'
import {assertIsWritable} from './writable.ts'
import {beginWriting, makeWhereMissing} from './writer.ts'

/** A run that has something to lose waits longer than a command that only reads. */
export interface LockTimeoutsOfRuns {
  /** @default lockTimeout */
  readonly commitTimeout?: number
  /** Commits keep what they change for so many milliseconds, up to so many bytes each. @default 7 days, 1 GB */
  readonly undo?: number
  readonly undoBytes?: number
  readonly heldBy?: ((holder: string | undefined) => void) | undefined
}

/** Milliseconds between two tries of a commit. */
const LONGEST_PAUSE = 5_000
const UNDO = 7 * 24 * 60 * 60 * 1000
const UNDO_BYTES = 1_000_000_000

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

  async readRecord(tables: TableSet, key: RecordKey): Promise<StoredRecord> {
    if (!(await databaseExists(this.#database.path))) return {row: undefined, events: []}
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => {
      await assertCompatibleTables(connection, tables)
      return readRecord(connection, tables, key)
    })
  }

  async query(query: AdHocQuery): Promise<AdHocAnswer> {
    const {path, temporaryFolder} = this.#database
    if (!(await databaseExists(path)))
      throw usageError(`there is no database ${path} yet`, {code: 'E_TABLE_MISSING', next: 'The first run makes it.'})
    const file = await RowFile.create(temporaryFolder)
    try {
      const columns = await withDatabase(this.#database, 'query', this.#signal, async (connection) =>
        answerInto(file, connection, query, this.#signal),
      )
      return {columns, pages: file.pages()}
    } catch (error) {
      await file.close()
      throw error
    }
  }

  viewSql(view: ViewToMake): Promise<ViewSql> {
    return Promise.resolve(viewSql(view))
  }

  async createView(name: string, select: string): Promise<boolean> {
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => createView(connection, name, select)),
    )
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

  async findSurplusRows(tables: TableSet): Promise<SurplusRows> {
    if (!(await databaseExists(this.#database.path))) return {streams: []}
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => ({
      streams: await findSurplusRows(connection, tables),
    }))
  }

  async checkWritable(): Promise<void> {
    await assertIsWritable(this.#database.path)
  }

  async indexKeys(tables: TableSet, streams: readonly Stream[], folder: string, seenBefore?: Date): Promise<KeyIndex> {
    if (!(await databaseExists(this.#database.path))) return NOTHING_KNOWN
    const {openKeyIndex} = await import('../key-index.ts')
    const copy = async (connection: DuckDBConnection): Promise<string | undefined> =>
      (await tableExists(connection, tables.rawObjects))
        ? exportKeys(connection, tables, streams, {folder, seenBefore})
        : undefined
    const file = await withDatabase(this.#database, 'read', this.#signal, copy, this.#timeouts)
    return file === undefined ? NOTHING_KNOWN : openKeyIndex(file, folder)
  }

  readPayloads(tables: TableSet, wanted: WantedPayloads): AsyncIterable<readonly StoredPayload[]> {
    return readPayloads({database: this.#database, tables, signal: this.#signal}, wanted)
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
      await assertRowsAreNotMissed(connection, tables)
      return findRowsToUndo(connection, tables, undo)
    })
  }

  async tablesThatBegin(start: string): Promise<readonly string[]> {
    if (!(await databaseExists(this.#database.path))) return []
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => tablesThatBegin(connection, start))
  }

  async estimateSeed({rawObjects}: TableSet, streams: readonly Stream[]): Promise<SeedEstimate> {
    if (!(await databaseExists(this.#database.path))) return {rows: new Map()}
    return withDatabase(this.#database, 'read', this.#signal, async (connection) => ({
      rows: await countRowsOf(connection, rawObjects, streams),
    }))
  }

  async dropTables(tables: TableSet): Promise<readonly string[]> {
    if (!(await databaseExists(this.#database.path))) return []
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => dropTables(connection, tables)),
    )
  }

  async createTables(tables: TableSet, {logRetention}: TablesToCreate = {}): Promise<readonly string[]> {
    if (logRetention !== undefined)
      throw usageError('DuckDB has no partitions, and keeps the event log as a whole', {
        code: 'E_USAGE_FLAGS',
        next: 'Nothing was changed. Leave --log-retention out.',
      })
    await makeWhereMissing(this.#database.path, this.#signal)
    return withDatabase(this.#database, 'write', this.#signal, async (connection) =>
      inTransaction(connection, async () => {
        await assertRowsAreNotMissed(connection, tables)
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

  async begin(run: RunToBegin): Promise<WarehouseWriter> {
    return beginWriting(
      {database: this.#database, signal: this.#signal, timeouts: this.#timeouts, undo: this.#undo},
      run,
    )
  }
}
