import type {Stream} from '../../source.ts'
import {setNameOf, type TableSet, type Writes} from '../../model/tables.ts'
import {
  NOTHING_COVERED,
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
import type {CompareOptions, Comparison, StreamsToCompare} from '../comparison.ts'
import {noTable, type ComparedTables} from '../promotion.ts'
import type {RunsToUndo, UndoneRows} from '../undo.ts'
import type {Rights} from '../rights.ts'
import type {SeedEstimate} from '../seed.ts'
import type {SurplusRows} from '../surplus-rows.ts'
import type {AddedColumns, TablesToCreate} from '../tables-to-create.ts'
import {TEXT_LINES} from '../record-lines.ts'
import type {ViewSql, ViewToMake} from '../view-columns.ts'
import {answerQuery} from './ad-hoc-query.ts'
import {askedKeys} from './asked-keys.ts'
import type {Connection} from './connection.ts'
import {assertDatasetsOf, connectToDataset, type DatasetOptions} from './dataset.ts'
import {
  addMissingColumns,
  assertProductionTables,
  createProductionTables,
  dropTables,
  existingTables,
} from './definitions.ts'
import {checkPermissions, describeStreams, describeTable} from './description.ts'
import {indexAllKeys} from './keys.ts'
import {assertNoRowsAreMissed} from './missed-rows.ts'
import {STAGING} from './names.ts'
import {readPayloads} from './payloads.ts'
import {compareRows} from './promote.ts'
import {Queries, type QuerySettings} from './query.ts'
import {readRejects} from './rejects.ts'
import {readRunEvents} from './run-events.ts'
import type {Identities} from './settings.ts'
import {estimateSeed} from './seed.ts'
import {readRecord} from './stored-record.ts'
import {readStreamLogs} from './stream-state.ts'
import {countSurplusRows, findSurplusRows} from './surplus-rows.ts'
import {tablesThatBegin} from './table-metadata.ts'
import {findRowsToUndo} from './undo.ts'
import {createView, viewSql} from './views.ts'
import {beginWriting} from './writer.ts'

export interface BigQueryOptions extends Omit<DatasetOptions, 'identity'> {
  readonly identities?: Identities
  /** Chooses the identity. @default nothing */
  readonly writes?: Writes
  readonly priority?: QuerySettings['priority']
  /** All statements of a run may bill at most so many bytes; a decimal whole number. */
  readonly maxBytesBilled?: string
  /** Milliseconds by which an unchanged row's `last_seen` may lag behind; 0 moves it with every run. */
  readonly touchAfter?: number
  /** Test tables are removed so many milliseconds after the last run into them. @default never */
  readonly testTablesExpire?: number
}

interface Opened {
  readonly connection: Connection
  readonly queries: Queries
}

export class BigQueryWarehouse implements Warehouse {
  readonly recordLines = TEXT_LINES
  readonly #options: BigQueryOptions
  readonly #signal: AbortSignal
  #opened: Promise<Opened> | undefined
  #queries: Queries | undefined

  constructor(options: BigQueryOptions, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  get bytesBilled(): number {
    return this.#queries?.bytesBilled ?? 0
  }

  async readStreamStates(tables: TableSet, scopes: readonly StreamScope[]): Promise<readonly StreamState[]> {
    const {connection, queries} = await this.#open()
    const existing = await existingTables(connection, tables, this.#signal)
    if (!existing.eventLog) return scopes.map(() => NOTHING_COVERED)
    if (!existing.rawObjects) await assertNoRowsAreMissed(connection, queries, tables)
    const log = {tables, eventLog: connection.tableName(tables.eventLog)}
    return (await readStreamLogs(queries, log, scopes, this.#signal)).map(({state}) => state)
  }

  async readRejects(tables: TableSet, wanted: WantedRejects): Promise<readonly Reject[] | undefined> {
    const {connection, queries} = await this.#open()
    const existing = await existingTables(connection, tables, this.#signal)
    if (!existing.eventLog) return undefined
    const names = {
      eventLog: connection.tableName(tables.eventLog),
      ...(existing.rawObjects && {rawObjects: connection.tableName(tables.rawObjects)}),
    }
    return readRejects(queries, names, wanted, this.#signal)
  }

  async readRunEvents(tables: TableSet, wanted: WantedRuns): Promise<readonly RunEvent[]> {
    const {connection, queries} = await this.#open()
    const existing = await existingTables(connection, tables, this.#signal)
    if (!existing.eventLog) return []
    return readRunEvents(queries, connection.tableName(tables.eventLog), wanted, this.#signal)
  }

  async readRecord(tables: TableSet, key: RecordKey): Promise<StoredRecord> {
    const {connection, queries} = await this.#open()
    return readRecord(connection, queries, tables, key, this.#signal)
  }

  async query(query: AdHocQuery): Promise<AdHocAnswer> {
    const {queries} = await this.#open()
    return answerQuery(queries, query, this.#signal)
  }

  async viewSql(view: ViewToMake): Promise<ViewSql> {
    return viewSql((await this.#open()).connection, view)
  }

  async createView(name: string, select: string): Promise<boolean> {
    const {connection} = await this.#open()
    connection.allowWrites({tables: [name], prefixes: []})
    return createView(connection, name, select)
  }

  async describe(tables: TableSet, since?: Date): Promise<WarehouseDescription> {
    const {connection, queries} = await this.#open()
    const {eventLog} = await existingTables(connection, tables, this.#signal)
    return {
      tables: [
        await describeTable(connection, tables.eventLog, this.#signal),
        await describeTable(connection, tables.rawObjects, this.#signal),
      ],
      streams: eventLog
        ? await describeStreams(
            queries,
            connection.tableName(tables.eventLog),
            since === undefined ? {} : {since},
            this.#signal,
          )
        : [],
    }
  }

  async countSurplusRows(tables: TableSet): Promise<number> {
    const {connection, queries} = await this.#open()
    const {rawObjects} = await existingTables(connection, tables, this.#signal)
    return rawObjects ? countSurplusRows(queries, connection.tableName(tables.rawObjects), this.#signal) : 0
  }

  async findSurplusRows(tables: TableSet, priced?: (bytes: number) => void): Promise<SurplusRows> {
    const {connection, queries} = await this.#open()
    const {rawObjects} = await existingTables(connection, tables, this.#signal)
    if (!rawObjects) return {streams: []}
    return findSurplusRows(queries, connection.tableName(tables.rawObjects), {priced, signal: this.#signal})
  }

  async checkWritable(tables: TableSet): Promise<void> {
    const {connection, queries} = await this.#open()
    connection.allowWrites({tables: [tables.eventLog, tables.rawObjects], prefixes: [STAGING[setNameOf(tables)]]})
    await assertProductionTables(connection, queries, tables)
    await checkPermissions(connection, tables)
  }

  async examineRights(production: TableSet, writes: Writes): Promise<Rights | undefined> {
    if (this.#options.apiEndpoint !== undefined) return undefined
    const options = this.#optionsFor(writes)
    const connection = await connectToDataset(options, this.#signal)
    if (writes !== 'nothing') await assertDatasetsOf(writes, connection, this.#signal)
    const {examineRights} = await import('./rights.ts')
    return examineRights(writes, {connection, production, identity: options.identity, signal: this.#signal})
  }

  async indexKeys(tables: TableSet, streams: readonly Stream[], folder: string, seenBefore?: Date): Promise<KeyIndex> {
    const {connection, queries} = await this.#open()
    const existing = await existingTables(connection, tables, this.#signal)
    if (!existing.rawObjects) return NOTHING_KNOWN
    const place = {connection, queries, tables}
    return seenBefore === undefined
      ? askedKeys(place, {streams, folder}, this.#signal)
      : indexAllKeys(place, {streams, folder, seenBefore}, this.#signal)
  }

  async *readPayloads(tables: TableSet, wanted: WantedPayloads): AsyncGenerator<readonly StoredPayload[]> {
    const {connection, queries} = await this.#open()
    yield* readPayloads({connection, queries, tables, signal: this.#signal}, wanted)
  }

  async openComparison(streams: StreamsToCompare): Promise<Comparison> {
    const {connection, queries} = await this.#open()
    const {BigQueryComparison} = await import('./comparison.ts')
    return BigQueryComparison.open({streams, connection, queries, signal: this.#signal})
  }

  async compareTables(
    {from, to}: Parameters<Warehouse['compareTables']>[0],
    streams: readonly Stream[],
    options: CompareOptions,
  ): Promise<ComparedTables> {
    const {connection, queries} = await this.#open()
    const source = await existingTables(connection, from, this.#signal)
    if (!source.rawObjects) throw noTable(from.rawObjects)
    const {rawObjects: toExists} = await existingTables(connection, to, this.#signal)
    return compareRows({connection, queries, signal: this.#signal}, {from, to, toExists}, streams, options)
  }

  async findRowsToUndo(tables: TableSet, undo: RunsToUndo): Promise<readonly UndoneRows[]> {
    const {connection, queries} = await this.#open()
    const {rawObjects} = await existingTables(connection, tables, this.#signal)
    if (!rawObjects) await assertNoRowsAreMissed(connection, queries, tables)
    return findRowsToUndo(queries, connection.tableName(tables.rawObjects), undo, this.#signal)
  }

  async tablesThatBegin(start: string): Promise<readonly string[]> {
    const {connection} = await this.#open()
    return tablesThatBegin(connection, start, this.#signal)
  }

  async estimateSeed(tables: TableSet, streams: readonly Stream[]): Promise<SeedEstimate> {
    const {connection, queries} = await this.#open()
    const {rawObjects} = await existingTables(connection, tables, this.#signal)
    if (!rawObjects) return {rows: new Map()}
    return estimateSeed(queries, connection.tableName(tables.rawObjects), streams, this.#signal)
  }

  async dropTables(tables: TableSet): Promise<readonly string[]> {
    const {connection} = await this.#open()
    connection.allowWrites({tables: [tables.eventLog, tables.rawObjects], prefixes: []})
    return dropTables(connection, tables)
  }

  async createTables(tables: TableSet, wanted: TablesToCreate = {}): Promise<readonly string[]> {
    const {connection, queries} = await this.#open()
    const own = [tables.eventLog, tables.rawObjects]
    connection.allowWrites({tables: own, prefixes: [], expiring: own, retained: [tables.eventLog]})
    return createProductionTables(connection, queries, tables, wanted)
  }

  async addColumns(sets: readonly TableSet[]): Promise<readonly AddedColumns[]> {
    const {connection, queries} = await this.#open()
    connection.allowWrites({tables: sets.flatMap(({eventLog, rawObjects}) => [eventLog, rawObjects]), prefixes: []})
    return addMissingColumns(connection, queries, sets)
  }

  async begin(run: RunToBegin): Promise<WarehouseWriter> {
    const {touchAfter = 0, testTablesExpire = 0} = this.#options
    const {connection, queries} = await this.#open()
    await assertDatasetsOf(setNameOf(run.tables), connection, this.#signal)
    return beginWriting({connection, queries, signal: this.#signal, touchAfter, testTablesExpire}, run)
  }

  async #open(): Promise<Opened> {
    return (this.#opened ??= this.#connect())
  }

  async #connect(): Promise<Opened> {
    const {maxBytesBilled, priority, writes = 'nothing'} = this.#options
    const connection = await connectToDataset(this.#optionsFor(writes), this.#signal)
    this.#queries = new Queries(connection, {maxBytesBilled, priority})
    return {connection, queries: this.#queries}
  }

  #optionsFor(writes: Writes): DatasetOptions {
    const {identities, ...options} = this.#options
    const identity = identities?.[writes]
    return {...options, ...(identity !== undefined && {identity})}
  }
}
