import type {Claim} from '../model/claim.ts'
import type {Event, EventType} from '../model/events.ts'
import type {JsonValue, Stream} from '../source.ts'
import type {WantedRuns} from './wanted-runs.ts'
import type {SchemaChange} from '../model/stream-schema.ts'
import type {TimeWindow} from '../model/window.ts'
import type {TableSet, Writes} from '../model/tables.ts'
import type {SurplusOfStream, SurplusRemoval, SurplusRows} from './surplus-rows.ts'
import type {AddedColumns, TablesToCreate} from './tables-to-create.ts'
import type {AdHocAnswer, AdHocQuery} from './ad-hoc-query.ts'
import type {CommitBatch, CommitCounts, CommitEvents} from './commit-batch.ts'
import type {KeyIndex} from './stored-keys.ts'
import type {StoredPayload, WantedPayloads} from './stored-payloads.ts'
import type {CompareOptions, Comparison, StreamsToCompare} from './comparison.ts'
import type {ComparedTables, Promotion} from './promotion.ts'
import type {Rights} from './rights.ts'
import type {RowsToSeed, Seed, SeedEstimate} from './seed.ts'
import type {RunsToUndo, Undo, UndoneRows} from './undo.ts'
import type {RecordLines} from './record-lines.ts'
import type {ViewSql, ViewToMake} from './view-columns.ts'

/**
 * A warehouse is a place that holds the two tables. Only a sink writes rows through it. Reading never creates or
 * changes anything; writing goes through a `WarehouseWriter` that knows one table set and can name no other.
 *
 * Errors: a table or file that is *missing* reads as empty; one that is *forbidden*, corrupt or of another definition
 * is an error.
 */
export interface Warehouse {
  /** Commits take record files of such lines. */
  readonly recordLines: RecordLines
  /** All statements so far billed so many bytes; missing where nothing is billed. */
  readonly bytesBilled?: number
  /** Reads what the streams' completed commits in these tables say; one state for each scope, in their order. */
  readStreamStates(tables: TableSet, scopes: readonly StreamScope[]): Promise<readonly StreamState[]>
  /** Reads what was rejected, oldest first; `undefined` where these tables know no such run. */
  readRejects(tables: TableSet, wanted: WantedRejects): Promise<readonly Reject[] | undefined>
  /** Reads what the newest runs that are wanted logged as `job.*`, `ingestion.*`, `plan.*` and `tables.seeded`, oldest first; none if no log. */
  readRunEvents(tables: TableSet, wanted: WantedRuns): Promise<readonly RunEvent[]>
  /** Reads all that these tables say of one record. */
  readRecord(tables: TableSet, key: RecordKey): Promise<StoredRecord>
  /**
   * Answers a person's own statement. Throws a usage error, and runs nothing, where it is not one that only reads, or would
   * reach anything but the warehouse.
   */
  query(query: AdHocQuery): Promise<AdHocAnswer>
  /** Gives the SQL of a view of one stream's records. Runs nothing. */
  viewSql(view: ViewToMake): Promise<ViewSql>
  /**
   * Makes the view, or replaces one that this made; answers true where it did. Throws a usage error, and changes nothing, where a
   * table or somebody else's view has the name.
   */
  createView(name: string, select: string): Promise<boolean>
  /** Reads what is in these tables, for a person, also that one is missing. Streams that were read before `since` alone may be left out. */
  describe(tables: TableSet, since?: Date): Promise<WarehouseDescription>
  /** Counts the rows of `raw_objects` beyond the first one of their key; reads every key. */
  countSurplusRows(tables: TableSet): Promise<number>
  /** Tells of which streams they are. `priced` hears, where reading is billed, what that reads by the service's own estimate, before it does. */
  findSurplusRows(tables: TableSet, priced?: (bytes: number) => void): Promise<SurplusRows>
  /** Throws a failure or a usage error where these tables could not be written, as far as that shows without writing. */
  checkWritable(tables: TableSet): Promise<void>
  /** Tells what runs that write this may do in production; throws where that is too little. `undefined`: nobody asks who they are. */
  examineRights?(production: TableSet, writes: Writes): Promise<Rights | undefined>
  /**
   * Copies the streams' stored keys into an index in `folder`. The caller closes it, and then removes the folder. `seenBefore`:
   * the index knows which rows were seen last before this instant, and are not logged as deleted since.
   */
  indexKeys(tables: TableSet, streams: readonly Stream[], folder: string, seenBefore?: Date): Promise<KeyIndex>
  /** Gives the stored payloads of a stream page by page; a row that is given twice holds what it is given last. */
  readPayloads(tables: TableSet, wanted: WantedPayloads): AsyncIterable<readonly StoredPayload[]>
  /** Begins to tell what commits would do to these tables. The caller closes it. */
  openComparison(streams: StreamsToCompare): Promise<Comparison>
  /** Compares rows of the streams in one table set with those of another. Every row that differs is given to `isChanged`. */
  compareTables(
    sets: {readonly from: TableSet; readonly to: TableSet},
    streams: readonly Stream[],
    options: CompareOptions,
  ): Promise<ComparedTables>
  /** Finds the rows that an undo would write. Throws a failure where it must not be done. */
  findRowsToUndo(tables: TableSet, undo: RunsToUndo): Promise<readonly UndoneRows[]>
  /** Names all tables whose names begin so. */
  tablesThatBegin(start: string): Promise<readonly string[]>
  /** Tells what a seed from these tables would copy. */
  estimateSeed(tables: TableSet, streams: readonly Stream[]): Promise<SeedEstimate>
  /** Drops the tables that are there, the event log first, so that no coverage is left without rows. Answers with their names. */
  dropTables(tables: TableSet): Promise<readonly string[]>
  /** Makes the tables that are missing, and names them. One that is there is altered only as wanted, or refused where it differs. */
  createTables(tables: TableSet, wanted?: TablesToCreate): Promise<readonly string[]>
  /**
   * Adds the nullable columns that existing tables of these sets lack, and alters nothing else. Throws, before it alters
   * any table, where one differs in anything else.
   */
  addColumns(sets: readonly TableSet[]): Promise<readonly AddedColumns[]>
  /**
   * Makes sure that `tables` can be written and takes the lease of the run's streams, writing `started` with it.
   * Missing tables are created: with the definition of `definitionFrom` where those exist, else the built-in one.
   * Production's are not where the kind says that `createTables` alone makes them.
   * Throws usage errors for tables of another definition, and `busy` where another run holds a stream.
   */
  begin(run: RunToBegin): Promise<WarehouseWriter>
}

export interface WarehouseWriter {
  /** The streams were taken at this time. */
  readonly since: Date
  /** The streams' completed commits said this then; one state for each scope, in their order. */
  readonly states: readonly StreamState[]
  /**
   * Writes rows and events together or not at all. `events` is called with the exact counts, inside of the transaction, and with the
   * records that turned out to be unreadable: they are not among the counts.
   * Throws a failure, and writes nothing, where another run has taken the lease over. A program that keeps the warehouse from
   * it is waited for: for good while `idleSince` gives no instant (of `performance.now()`), as the run has other things to do.
   */
  commit(batch: CommitBatch, events: CommitEvents, idleSince?: () => number | undefined): Promise<CommitResult>
  /** Takes rows over from other tables, and writes events with them or nothing at all. */
  promote(promotion: Promotion): Promise<CommitCounts>
  /** Copies rows from other tables into these, where there are none of the streams yet, and writes events with them. */
  seed(seed: Seed): Promise<RowsToSeed>
  /** Takes rows of runs back, and writes events with that or nothing at all. */
  undo(undo: Undo): Promise<readonly UndoneRows[]>
  /** Leaves one row of each key, of all rows of the streams, and writes events with that or nothing at all. */
  removeSurplusRows(removal: SurplusRemoval): Promise<readonly SurplusOfStream[]>
  /** Reads the open rejects of the run's job. Missing: `readRejects` does it at no higher price. */
  openRejects?(): Promise<readonly Reject[]>
  /** Gives the lease back. Writes nothing. */
  close(): Promise<void>
}

export interface RunToBegin {
  readonly tables: TableSet
  readonly definitionFrom?: TableSet
  readonly runId: string
  /** The run takes the streams of these. */
  readonly scopes: readonly StreamScope[]
  /** A run with the same claim was this one's earlier attempt: its streams are taken over, dead or not. `started` says it, too. */
  readonly claim?: Claim
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
  /** These windows were completed without a limit; merged, oldest first. */
  readonly covered: readonly TimeWindow[]
  readonly bookmark?: StoredBookmark
  /** The last reading of the whole stream broke off here; a run that covers anything puts an end to it. */
  readonly checkpoint?: {readonly value: JsonValue}
  /** All keys that exist were listed then, and the records read that were not stored; milliseconds since 1970. */
  readonly sweptAt?: number
  /** The stream was read before, with another selection. */
  readonly otherSelectionCovered: boolean
  /** The account held this one's data last. */
  readonly identity?: string
  /** What runs told of the shape of the stream's records, whatever job they were of; oldest first. */
  readonly schema: readonly SchemaEvent[]
}

export const NOTHING_COVERED: StreamState = {covered: [], otherSelectionCovered: false, schema: []}

/** `schema.refused` tells of a slice that was not stored, and changes nothing. */
export interface SchemaEvent {
  readonly type: Extract<EventType, `schema.${string}`>
  readonly runId: string
  /** It was written then; milliseconds since 1970. */
  readonly at: number
  /** Nothing was known before. */
  readonly initial: boolean
  readonly changes: readonly SchemaChange[]
}

export interface StoredBookmark {
  readonly value: JsonValue
  /** Everything older than this was stored, or the change feed tells of it from `value` on; milliseconds since 1970. */
  readonly at: number
}

/** A reject is what a `record.rejected` event says. */
export interface Reject {
  readonly runId: string
  readonly stream: Stream
  readonly reference: string
  readonly reason: string
  /** It was rejected then; ISO 8601. */
  readonly at: string
  /** A row that was seen later was stored later; milliseconds since 1970. Missing: `at`. */
  readonly seenFrom?: number
  /** Its record was not stored since, and what it was met in was not read again as a whole by a later run. */
  readonly open: boolean
  /** Missing where another tool or version wrote the event. */
  readonly rejectedIn?: RejectedIn
}

/** A record was met while this was read. */
export interface RejectedIn {
  readonly job: string
  readonly account: string | null
  readonly selection: string
  readonly window: TimeWindow
  /** It came as a change since this. */
  readonly bookmark?: JsonValue
}

/** So many are read at once; whoever meets more goes on with the oldest. */
export const MOST_REJECTS = 10_000

export interface WantedRejects {
  readonly of: {readonly runId: string} | {readonly job: string}
  /** False: only open ones. */
  readonly closedToo: boolean
  /** Those that were rejected earlier are left out; milliseconds since 1970. */
  readonly since?: number
  /** The largest number that is read. */
  readonly limit: number
}

/** The log holds the event like this; another tool may have written it. */
export interface LoggedEvent {
  readonly runId: string
  readonly type: EventType
  readonly sourceSystem: string
  readonly objectType: string
  /** It was written then; milliseconds since 1970. */
  readonly at: number
  readonly error: string | null
  readonly payload: JsonValue
}

export interface RunEvent extends LoggedEvent {
  /** It grows from one run of a stream to the next, whatever the clocks of their machines said. */
  readonly place: number
  /** Its run was undone: nothing of it counts any more. */
  readonly isUndone: boolean
}

export interface RecordKey {
  readonly idemKey: string
  /** The key names it. */
  readonly stream: Stream
}

/** All that two tables say of one record. */
export interface StoredRecord {
  readonly row: StoredRow | undefined
  /**
   * Those that name the key, and `job.started` of runs that began when the row was first and last seen, or that wrote rows which say
   * so: promotions, and those that applied a plan, unless they were undone. Oldest first.
   */
  readonly events: readonly LoggedEvent[]
}

export interface StoredRow {
  readonly externalId: string | null
  /** The JSON text, as the warehouse gives it. */
  readonly payload: string
  /** Milliseconds since 1970, as `lastSeen`. */
  readonly firstSeen: number
  readonly lastSeen: number
}

export interface WarehouseDescription {
  /** The file that holds all tables has so many bytes; missing where there is no such file. */
  readonly bytes?: number
  readonly tables: readonly DescribedTable[]
  readonly streams: readonly DescribedStream[]
}

/** A described table leaves out what the warehouse does not tell. */
export interface DescribedTable {
  readonly name: string
  readonly exists: boolean
  readonly rows?: number
  readonly bytes?: number
  /** The warehouse removes it then; milliseconds since 1970. */
  readonly expires?: number
  readonly partitionedBy?: string
  /** Rows are removed so many milliseconds after the day of their partition, as somebody wanted. */
  readonly retention?: number
  readonly clusteredBy?: readonly string[]
}

export interface DescribedStream extends StreamScope {
  /** Windows that touch are merged; oldest first. */
  readonly covered: readonly TimeWindow[]
  /** The stream was last committed to then; milliseconds since 1970. */
  readonly lastCommit: number
}

export interface CommitResult {
  readonly counts: CommitCounts
  /** The number of the batch's `record.rejected` events whose reference was never rejected before. */
  readonly firstRejects: number
}
