import type {Event} from '../model/events.ts'
import {tablesOfMode, unknownMode, writesProduction, type RunMode} from '../model/run-mode.ts'
import type {Stream} from '../source.ts'
import type {TableSet} from '../model/tables.ts'
import type {CommitEvents} from '../warehouse/commit-batch.ts'
import {
  MOST_REJECTS,
  type CommitResult,
  type StreamState,
  type Warehouse,
  type WarehouseWriter,
} from '../warehouse/warehouse.ts'
import type {KeyIndex} from '../warehouse/stored-keys.ts'
import type {Sink, SinkOptions, SinkTables} from './sink.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'
import type {Diff} from './diff.ts'
import {Differ} from './differ.ts'
import {Spool} from './spool.ts'

interface Running {
  readonly warehouse: Warehouse
  readonly writer: WarehouseWriter
  readonly differ: Differ | undefined
  /** Takes what comes; another one takes its place when it is committed. */
  spool: Spool
  readonly streams: readonly Stream[]
}

/** The writing sink knows one table set, given when it is made; there is no way to another. */
export class WritingSink implements Sink {
  readonly mode: RunMode
  readonly tables: SinkTables & {readonly read: TableSet; readonly written: TableSet}
  readonly #options: SinkOptions
  #begun: Running | undefined
  #keyIndex: Promise<KeyIndex> | undefined

  constructor(options: SinkOptions, mode: RunMode) {
    const {read, written} = tablesOfMode(mode, options.production)
    if (written === undefined) throw unknownMode(`${mode}, which writes nothing`)
    this.mode = mode
    this.tables = {read, written}
    this.#options = options
  }

  get bytesBilled(): number | undefined {
    return this.#begun?.warehouse.bytesBilled
  }

  async begin({runId, scopes, started, claim}: Parameters<Sink['begin']>[0]): Promise<void> {
    const warehouse = await this.#options.openWarehouse()
    const spool = await Spool.create(this.#options.folder, warehouse.recordLines)
    const streams = scopes.map(({stream}) => stream)
    const compared = {
      tables: this.tables.written,
      streams,
      begunAt: new Date(),
      runId,
      isWritten: true,
      folder: spool.folder,
    }
    try {
      const differ = await Differ.open(warehouse, compared, this.#options)
      const writer = await warehouse.begin({
        tables: this.tables.written,
        ...(!writesProduction(this.mode) && {definitionFrom: this.#options.production}),
        runId,
        scopes,
        started,
        ...(claim !== undefined && {claim}),
      })
      this.#begun = {warehouse, writer, differ, spool, streams}
    } catch (error) {
      await spool.remove()
      throw error
    }
  }

  streamStates(): Promise<readonly StreamState[]> {
    return Promise.resolve(this.#running().writer.states)
  }

  async known(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    const {warehouse, streams, spool} = this.#running()
    this.#keyIndex ??= warehouse.indexKeys(this.tables.read, streams, spool.folder)
    return (await this.#keyIndex).has(idemKeys)
  }

  async forgetKnown(): Promise<void> {
    const index = await this.#keyIndex
    index?.close()
    this.#keyIndex = undefined
  }

  async upsertObjects(records: readonly SpoolableRecord[]): Promise<void> {
    const {spool} = this.#running()
    for (const record of records) await spool.addRecord(record)
  }

  async logEvent(event: Event): Promise<void> {
    const {spool, differ} = this.#running()
    await spool.addEvent(event)
    differ?.logEvent(event)
  }

  async endSlice(): Promise<void> {
    await this.#running().spool.endSlice()
  }

  async dropUnfinishedSlice(): Promise<void> {
    await this.#running().spool.dropUnfinishedSlice()
  }

  async discard(): Promise<void> {
    await this.#running().spool.clear()
  }

  async commit(events: CommitEvents, idleSince?: () => number | undefined): Promise<CommitResult> {
    const running = this.#running()
    const {spool, writer, differ} = running
    running.spool = spool.next()
    try {
      const batch = await spool.batch(writer.since)
      await differ?.compare(batch)
      const result = await writer.commit(batch, events, idleSince)
      await spool.clear()
      return result
    } finally {
      await spool.close()
    }
  }

  async countOpenRejects(job: string): Promise<number> {
    const wanted = {of: {job}, closedToo: false, limit: MOST_REJECTS}
    const {warehouse, writer} = this.#running()
    const rejects = (await writer.openRejects?.()) ?? (await warehouse.readRejects(this.tables.written, wanted)) ?? []
    return new Set(rejects.map(({stream, reference}) => JSON.stringify([stream.objectType, reference]))).size
  }

  preview(): undefined {
    return undefined
  }

  diff(): Diff | undefined {
    return this.#begun?.differ?.diff()
  }

  async close(): Promise<void> {
    // Whoever asked it heard that it could not be made.
    const index = await this.#keyIndex?.catch(() => undefined)
    index?.close()
    if (this.#begun === undefined) return
    await this.#begun.differ?.close()
    await this.#begun.writer.close()
    await this.#begun.spool.remove()
  }

  #running(): Running {
    if (this.#begun === undefined) throw new Error('the sink was used before its run began')
    return this.#begun
  }
}
