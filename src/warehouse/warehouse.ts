import type {Event, EventType} from '../model/events.ts'
import type {JsonValue, Stream} from '../source.ts'
import type {TimeWindow} from '../model/window.ts'
import type {TableSet} from '../model/tables.ts'

/**
 * What lorchestra needs of a place that holds the two tables. The sink is the only caller. Reading never creates or
 * changes anything; writing goes through a `WarehouseWriter` that knows one table set and can name no other.
 *
 * Errors: a table or file that is *missing* reads as empty; one that is *forbidden*, corrupt or of another definition
 * is an error.
 */
export interface Warehouse {
  /** By all statements so far; missing where nothing is billed. */
  readonly bytesBilled?: number
  /** What the streams' completed commits in these tables say, one for each scope. */
  readStreamStates(tables: TableSet, scopes: readonly StreamScope[]): Promise<readonly StreamState[]>
  /** What one run rejected, in order; `undefined` where these tables know no such run. */
  readRejects(tables: TableSet, runId: string): Promise<readonly Reject[] | undefined>
  /** `job.*` and `ingestion.*` events of the newest runs that are wanted, oldest first; none where there is no log yet. */
  readRunEvents(tables: TableSet, wanted: WantedRuns): Promise<readonly RunEvent[]>
  /** What is in these tables, for a person. */
  describe(tables: TableSet): Promise<WarehouseDescription>
  /** Rows of `raw_objects` beyond the first one of their key; reads every key. */
  countSurplusRows(tables: TableSet): Promise<number>
  /** Throws where these tables could not be written, as far as that can be told without writing. */
  checkWritable(tables: TableSet): Promise<void>
  /** The streams' stored keys, copied once into an index in `folder`. */
  indexKeys(tables: TableSet, streams: readonly Stream[], folder: string): Promise<KeyIndex>
  /** Makes the tables that are missing; one that is there is looked at and never altered. Answers with the new ones. */
  createTables(tables: TableSet): Promise<readonly string[]>
  /**
   * Makes sure that `tables` can be written and takes the lease of the run's streams, writing `started` with it.
   * Missing tables are created: with the definition of `definitionFrom` where those exist, else the built-in one.
   * Production's are not where the kind says that `createTables` alone makes them.
   * Throws usage errors for tables of another definition, and `busy` where another run holds a stream.
   */
  begin(run: RunToBegin): Promise<WarehouseWriter>
}

export interface WarehouseWriter {
  /** When the streams were taken. */
  readonly since: Date
  /** What the streams' completed commits said then, one for each scope. */
  readonly states: readonly StreamState[]
  /**
   * Writes rows and events together or not at all. `events` is called with the exact counts, inside of the transaction.
   * Throws where another run has taken the lease over.
   */
  commit(batch: CommitBatch, events: (counts: CommitCounts) => readonly Event[]): Promise<CommitResult>
  /** Gives the lease back. Writes nothing. */
  close(): Promise<void>
}

export interface RunToBegin {
  readonly tables: TableSet
  readonly definitionFrom?: TableSet
  readonly runId: string
  /** Of the streams to take. */
  readonly scopes: readonly StreamScope[]
  /** Called when no other run can hold the streams any more; its `created_at` is the run's `last_seen`. */
  readonly started: () => Event
}

/** Coverage, bookmark and identity belong to this. */
export interface StreamScope {
  readonly job: string
  readonly account: string | null
  readonly stream: Stream
  readonly selection: string
}

export interface StreamState {
  /** Unlimited completed windows, merged, oldest first. */
  readonly covered: readonly TimeWindow[]
  readonly bookmark?: StoredBookmark
  /** The stream was read before, with another selection. */
  readonly otherSelectionCovered: boolean
  /** Whose data the account held last. */
  readonly identity?: string
}

export const NOTHING_COVERED: StreamState = {covered: [], otherSelectionCovered: false}

export interface StoredBookmark {
  readonly value: JsonValue
  /** Everything older than this was stored or is told by the change feed from `value` on. */
  readonly at: number
}

/** A `record.rejected` event. */
export interface Reject {
  readonly stream: Stream
  readonly reference: string
  readonly reason: string
  /** ISO 8601. */
  readonly at: string
}

export interface WantedRuns {
  readonly job?: string
  readonly runId?: string
  /** Runs, not events. */
  readonly limit: number
}

/** An event as the log holds it; another tool may have written it. */
export interface RunEvent {
  readonly runId: string
  readonly type: EventType
  readonly sourceSystem: string
  readonly objectType: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly error: string | null
  readonly payload: JsonValue
}

export interface WarehouseDescription {
  /** Of the file that holds all tables, where there is one. */
  readonly bytes?: number
  readonly tables: readonly DescribedTable[]
  readonly streams: readonly DescribedStream[]
}

/** What the warehouse does not tell is left out. */
export interface DescribedTable {
  readonly name: string
  readonly exists: boolean
  readonly rows?: number
  readonly bytes?: number
  readonly partitionedBy?: string
  readonly clusteredBy?: readonly string[]
}

export interface DescribedStream extends StreamScope {
  /** Merged, oldest first. */
  readonly covered: readonly TimeWindow[]
  /** Milliseconds since 1970. */
  readonly lastCommit: number
}

export interface KeyIndex {
  has(idemKeys: readonly string[]): Promise<ReadonlySet<string>>
  close(): void
}

/** Spooled NDJSON. Every line of `records` is a `SpooledRecord`, of `events` an `Event`. */
export interface CommitBatch {
  readonly runStartedAt: Date
  readonly records: readonly string[]
  /** One file for each record that is too large, or has numbers too exact, to be read among others. */
  readonly loneRecords: readonly string[]
  readonly events: readonly string[]
  /** Lines in `records` and `loneRecords`. */
  readonly rows: number
}

export interface SpooledRecord {
  readonly idem_key: string
  readonly source_system: string
  readonly object_type: string
  readonly external_id: string
  /** Rising within the run: of several lines with one key the highest wins. */
  readonly sequence: number
  readonly payload: JsonValue
}

export interface RowCounts {
  readonly inserted: number
  readonly updated: number
  readonly unchanged: number
  readonly duplicates: number
}

export interface CommitResult {
  readonly counts: CommitCounts
  /** Of the batch's `record.rejected` events, the ones whose reference was never rejected before. */
  readonly firstRejects: number
}

/** By object type; a type without rows may be missing. */
export type CommitCounts = ReadonlyMap<string, RowCounts>
