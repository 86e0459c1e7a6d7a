import type {Event} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {TableSet} from '../model/tables.ts'
import type {CommitCounts, CommitResult, StreamScope, StreamState, Warehouse} from '../warehouse/warehouse.ts'
import type {SpoolableRecord} from './spool.ts'

/**
 * The only door to a warehouse. What was upserted and logged lands with the next `commit`, all of it or nothing;
 * `endSlice` marks how much of it `dropUnfinishedSlice` leaves.
 */
export interface Sink {
  readonly mode: RunMode
  readonly tables: SinkTables
  /** Takes the streams for this run and writes `started`, asked for when they are taken: it is what was read from then on. */
  begin(run: {
    readonly runId: string
    readonly scopes: readonly StreamScope[]
    readonly started: () => Event
  }): Promise<void>
  /** What was covered when the run began, one for each scope. */
  streamStates(): Promise<readonly StreamState[]>
  known(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  upsertObjects(records: readonly SpoolableRecord[]): Promise<void>
  logEvent(event: Event): Promise<void>
  endSlice(): Promise<void>
  dropUnfinishedSlice(): Promise<void>
  /** Drops all that was not committed. */
  discard(): Promise<void>
  /** `undefined`: nothing was written, so nothing is known of what a write would have done. */
  commit(events: (counts: CommitCounts) => readonly Event[]): Promise<CommitResult | undefined>
  /** By the warehouse, for all statements so far; `undefined` where nothing is billed. */
  readonly bytesBilled: number | undefined
  /** What a dry run saw; `undefined` where records are written. */
  preview(): Preview | undefined
  close(): Promise<void>
}

export interface SinkTables {
  /** Whose coverage and keys count for this run. `undefined`: no warehouse is opened at all. */
  readonly read: TableSet | undefined
  readonly written: TableSet | undefined
}

export interface Preview {
  readonly samples: readonly {readonly idemKey: string; readonly json: string}[]
  /** `undefined`: more keys than a bounded memory can compare. */
  readonly duplicates: number | undefined
}

export interface SinkOptions {
  readonly production: TableSet
  /** Loads the warehouse's client; called when first needed. */
  readonly openWarehouse: () => Promise<Warehouse>
  /** Temporary files of this run. */
  readonly folder: string
  readonly startedAt: Date
  /** False: a dry run with `--since` neither needs nor opens a warehouse. */
  readonly needsCoverage: boolean
}
