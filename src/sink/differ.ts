import type {Event} from '../model/events.ts'
import type {TableSet} from '../model/tables.ts'
import type {CommitBatch, CommitCounts, UnreadableRecord} from '../warehouse/commit-batch.ts'
import {commitCountsOf, type Comparison, type StreamsToCompare} from '../warehouse/comparison.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {DiffTally, type Diff} from './diff.ts'
import type {SinkOptions} from './sink.ts'

interface Foretold {
  readonly counts: CommitCounts
  readonly unreadable: readonly UnreadableRecord[]
  readonly digest: string | undefined
}

/** Compares batch after batch with the tables that the run would write, or writes. It has no writer, and no way to get one. */
export class Differ {
  readonly #comparison: Comparison
  readonly #tally: DiffTally
  readonly #tables: TableSet

  private constructor(comparison: Comparison, tally: DiffTally, tables: TableSet) {
    this.#comparison = comparison
    this.#tally = tally
    this.#tables = tables
  }

  /** `undefined` where the options want none. */
  static async open(
    warehouse: Warehouse,
    streams: StreamsToCompare,
    {diffSamples, hiddenPaths, priced}: SinkOptions,
  ): Promise<Differ | undefined> {
    if (diffSamples === undefined) return undefined
    const comparison = await warehouse.openComparison({...streams, priced})
    return new Differ(comparison, new DiffTally({samples: diffSamples, hiddenPaths}), streams.tables)
  }

  /** Answers with what a commit of the batch counts, the records that it rejects, and the digest of what it meets. */
  async compare(batch: CommitBatch): Promise<Foretold> {
    const compared = await this.#comparison.compare(batch, {
      isChanged: (row) => this.#tally.isChanged(row),
      insertedSamples: this.#tally.insertedSamplesLeft,
    })
    this.#tally.add(compared)
    return {counts: commitCountsOf(compared), unreadable: compared.unreadable, digest: compared.digest}
  }

  async written(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    return this.#comparison.written(idemKeys)
  }

  logEvent({event_type: type, idem_key: idemKey}: Event): void {
    if (type === 'object.deleted' && idemKey !== null) this.#tally.addDeleted(idemKey)
  }

  diff(): Diff {
    const {tableExists, since, moved} = this.#comparison
    return this.#tally.result({table: this.#tables.rawObjects, tableExists, at: since, moved})
  }

  async close(): Promise<void> {
    await this.#comparison.close()
  }
}
