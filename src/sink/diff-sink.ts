import type {Event} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'
import type {TableSet} from '../model/tables.ts'
import type {CommitEvents} from '../warehouse/commit-batch.ts'
import type {StreamState} from '../warehouse/warehouse.ts'
import type {Diff} from './diff.ts'
import {Differ} from './differ.ts'
import type {DryRunSink} from './dry-run-sink.ts'
import type {Preview, Sink, SinkOptions, SinkTables} from './sink.ts'
import {Spool} from './spool.ts'

interface Begun {
  readonly differ: Differ
  readonly startedAt: Date
  /** Takes what comes; another one takes its place when it is compared. */
  spool: Spool
}

/**
 * The sink of a dry run that tells what the run would change: what is to be committed is compared with the tables that a run
 * would write, and forgotten, or kept for whoever applies it. It keeps records in files until the next batch is compared.
 */
export class DiffSink implements Sink {
  readonly mode: RunMode
  readonly tables: SinkTables
  readonly #dryRun: DryRunSink
  readonly #compared: TableSet
  readonly #options: SinkOptions
  #begun: Begun | undefined
  /** The next batch may still be compared with what this one would have written. */
  #last: Spool | undefined
  /** A run knows what it wrote itself when it looks anew. */
  #knowsWritten = false

  constructor(dryRun: DryRunSink, compared: TableSet, options: SinkOptions) {
    this.mode = dryRun.mode
    this.tables = {...dryRun.tables, foretold: compared}
    this.#dryRun = dryRun
    this.#compared = compared
    this.#options = options
  }

  get bytesBilled(): number | undefined {
    return this.#dryRun.bytesBilled
  }

  async begin(run: Parameters<Sink['begin']>[0]): Promise<void> {
    await this.#dryRun.begin(run)
    const warehouse = await this.#options.openWarehouse()
    const spool = await Spool.create(this.#options.folder, warehouse.recordLines)
    const streams = run.scopes.map(({stream}) => stream)
    const startedAt = new Date(run.started().created_at)
    const differ = await Differ.open(
      warehouse,
      {tables: this.#compared, streams, begunAt: startedAt, runId: run.runId, folder: spool.folder, isWritten: false},
      this.#options,
    ).catch(async (error: unknown) => {
      await spool.remove()
      throw error
    })
    if (differ === undefined) throw new Error('a diff was asked for without its options')
    this.#begun = {differ, spool, startedAt}
  }

  async streamStates(): Promise<readonly StreamState[]> {
    return this.#dryRun.streamStates()
  }

  async known(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    const stored = await this.#dryRun.known(idemKeys)
    return this.#knowsWritten ? new Set([...stored, ...(await this.#running().differ.written(idemKeys))]) : stored
  }

  async forgetKnown(): Promise<void> {
    await this.#dryRun.forgetKnown()
    this.#knowsWritten = true
  }

  async upsertObjects(records: readonly SpoolableRecord[]): Promise<void> {
    const {spool} = this.#running()
    for (const record of records) await spool.addRecord(record)
    await this.#dryRun.upsertObjects(records)
  }

  async logEvent(event: Event): Promise<void> {
    const {spool, differ} = this.#running()
    await spool.addEvent(event)
    differ.logEvent(event)
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

  async commit(events: CommitEvents): Promise<undefined> {
    const running = this.#running()
    const {spool, differ, startedAt} = running
    running.spool = spool.next()
    try {
      const {plan} = this.#options
      const batch = {...(await spool.batch(startedAt)), isDigested: plan !== undefined}
      const {counts, unreadable, digest} = await differ.compare(batch)
      const own = events(counts, unreadable)
      await plan?.keep({batch, counts, digest, events: own})
    } finally {
      await spool.close()
    }
    await this.#last?.clear()
    this.#last = spool
  }

  async countOpenRejects(): Promise<undefined> {
    return this.#dryRun.countOpenRejects()
  }

  preview(): Preview {
    return this.#dryRun.preview()
  }

  diff(): Diff {
    return this.#running().differ.diff()
  }

  async close(): Promise<void> {
    await this.#dryRun.close()
    await this.#begun?.differ.close()
    await this.#begun?.spool.remove()
  }

  #running(): Begun {
    if (this.#begun === undefined) throw new Error('the sink was used before its run began')
    return this.#begun
  }
}
