import type {Claim} from '../model/claim.ts'
import type {Event} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {ProductionTables, TableSet} from '../model/tables.ts'
import type {CommitResult, StreamScope, StreamState, Warehouse} from '../warehouse/warehouse.ts'
import type {CommitEvents} from '../warehouse/commit-batch.ts'
import type {Diff} from './diff.ts'
import type {PlanDraft} from './plan-draft.ts'
import type {SpoolableRecord} from '../model/raw-object-columns.ts'

/**
 * The sink is the only door to a warehouse. What was upserted and logged lands with the next `commit`, all of it or nothing;
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
    readonly claim?: Claim
  }): Promise<void>
  /** Tells what was covered when the run began, one state for each scope. */
  streamStates(): Promise<readonly StreamState[]>
  known(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  /** Has `known` look anew at what is stored: it may answer with what was stored when it was first asked. */
  forgetKnown(): Promise<void>
  upsertObjects(records: readonly SpoolableRecord[]): Promise<void>
  logEvent(event: Event): Promise<void>
  endSlice(): Promise<void>
  dropUnfinishedSlice(): Promise<void>
  /** Drops all that was not committed. */
  discard(): Promise<void>
  /**
   * Commits all that came before, one commit after the other; what comes while it is under way belongs to the next one.
   * Resolves with `undefined` where nothing is written, so that nothing is known of what a write
   * would have done. While `idleSince` gives no instant, a warehouse that is held by another program is waited for.
   */
  commit(events: CommitEvents, idleSince?: () => number | undefined): Promise<CommitResult | undefined>
  /** Counts the records that runs of the job rejected and none stored since; `undefined` where nothing is written. */
  countOpenRejects(job: string): Promise<number | undefined>
  /** The bytes that the warehouse billed for all statements so far; `undefined` where nothing is billed. */
  readonly bytesBilled: number | undefined
  /** Gives what a dry run saw; `undefined` where records are written. */
  preview(): Preview | undefined
  /** Gives what the run would change, or changed, in its tables; `undefined` where nobody asked for it. */
  diff(): Diff | undefined
  close(): Promise<void>
}

export interface SinkTables {
  /** The tables whose coverage and keys count for this run; `undefined` where no warehouse is opened at all. */
  readonly read: TableSet | undefined
  readonly written: TableSet | undefined
  /** The tables that a run would write, where a diff foretells what it would do. */
  readonly foretold?: TableSet
}

export interface Preview {
  readonly samples: readonly {readonly idemKey: string; readonly json: string}[]
  /** The number of records whose key came before; `undefined` where there were more keys than a bounded memory can compare. */
  readonly duplicates: number | undefined
}

export interface SinkOptions {
  readonly production: ProductionTables
  /** Loads the warehouse's client; called when first needed. */
  readonly openWarehouse: () => Promise<Warehouse>
  /** The folder for temporary files of this run. */
  readonly folder: string
  /** Whether coverage is asked for; a dry run with `--since` does not, and opens no warehouse. */
  readonly needsCoverage: boolean
  /** Records whose payload a dry run keeps to show them. */
  readonly samples: number
  /** Rows of each kind that a diff shows; missing: nothing is compared. */
  readonly diffSamples?: number | undefined
  /** Hears, where reading is billed, how many bytes a diff may read for each commit, before any is read. */
  readonly priced?: (bytes: number) => void
  /** Keeps the commits of a dry run that compares. */
  readonly plan?: Pick<PlanDraft, 'keep'> | undefined
  /** Paths into payloads that neither of them shows. */
  readonly hiddenPaths: readonly string[]
}
