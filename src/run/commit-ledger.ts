import {addCounts, StreamCounts, type Counts} from '../model/counts.ts'
import type {Event, EventDetails} from '../model/events.ts'
import {
  completedDetails,
  keptOf,
  rejectedDetails,
  withRejected,
  type AboutCommit,
  type Gathered,
  type Kept,
  type Part,
} from './completed-commit.ts'
import {assertHoldsNoSecret} from './kept-in-the-log.ts'
import type {HeldWarehouse} from './held-warehouse.ts'
import type {GroupPlan} from './plan.ts'
import {tooManyRejects} from './too-many-rejects.ts'
import type {Sink} from '../sink/sink.ts'
import type {JsonObject, JsonValue, Logger, Stream} from '../source.ts'
import type {StoredBookmark} from '../warehouse/warehouse.ts'
import type {UnreadableRecord} from '../warehouse/commit-batch.ts'
import {formatWindow, mergeWindows, type TimeWindow} from '../model/window.ts'

/** The first commit comes sooner, so that runs which are killed after minutes get on, too; each doubles the wait for the next. */
const FIRST_COMMIT_SOONER = 5

export interface LedgerOptions {
  readonly sink: Sink
  readonly job: string
  readonly log: Pick<Logger, 'info'>
  readonly objectTypes: readonly string[]
  readonly commitAfter: {readonly records: number; readonly milliseconds: number}
  readonly limited: boolean
  /** More unreadable records than this fail the run. */
  readonly maxRejects: number
  readonly held: Pick<HeldWarehouse, 'isHeld' | 'untilHeldOr'>
  /** The payload that every `ingestion.completed` of the run begins with. */
  readonly about: (objectType: string) => JsonObject
  readonly maskSecrets: (text: string) => string
  readonly event: (details: Omit<EventDetails, 'runId' | 'at'>) => Event
}

/** A run has stored this so far. */
export interface RunTotal {
  readonly counts: Counts
  readonly commits: number
  /** Bytes that the warehouse billed until now; missing where nothing is billed. */
  readonly bytesBilled?: number
}

/** Gathers whole slices, and parts of them, and commits them: rows and `ingestion.completed` together. The next ones are gathered meanwhile. */
export class CommitLedger {
  readonly #options: LedgerOptions
  readonly #committed: StreamCounts
  readonly #failed = new AbortController()
  #pending: StreamCounts
  #pendingWindow: TimeWindow | undefined
  #pendingPart: Part | undefined
  #committing: Gathered | undefined
  /** Rejects for good where a commit failed, so that none comes after it. */
  #commit: Promise<void> = Promise.resolve()
  #plan: GroupPlan | undefined
  #bookmark: StoredBookmark | undefined
  #windows: readonly TimeWindow[] = []
  #commits = 0
  #firstRejects = 0
  /** Bytes that events have told so far. */
  #bytesTold = 0
  #startedAt = performance.now()
  #commitInterval: number
  /** Since when nothing is read because a commit is waited for. */
  #idleSince: number | undefined

  constructor(options: LedgerOptions) {
    this.#options = options
    this.#commitInterval = options.commitAfter.milliseconds / FIRST_COMMIT_SOONER
    this.#committed = new StreamCounts(options.objectTypes)
    this.#pending = new StreamCounts(options.objectTypes)
  }

  get total(): RunTotal {
    return {counts: this.#committed.total(), commits: this.#commits, ...this.#billed()}
  }

  get firstRejects(): number {
    return this.#firstRejects
  }

  /** Gives what the finished commits read, merged. */
  get windows(): readonly TimeWindow[] {
    return this.#windows
  }

  /** Aborted, with the reason, when a commit fails: what is read meanwhile is in vain. */
  get failed(): AbortSignal {
    return this.#failed.signal
  }

  /** Counts all whole slices and parts, committed or not. */
  counts(): Counts {
    const total = this.#committed.total()
    if (this.#committing !== undefined) addCounts(total, this.#committing.counts.total())
    addCounts(total, this.#pending.total())
    return total
  }

  startGroup(plan: GroupPlan): void {
    this.#plan = plan
    this.#keep(plan.firstBookmark)
  }

  async endSlice(window: TimeWindow, counts: StreamCounts, bookmark: JsonValue | undefined): Promise<void> {
    if (bookmark !== undefined) this.#keep({value: bookmark, at: window.until})
    await this.#options.sink.endSlice()
    this.#pending.addAll(counts)
    this.#pendingPart = undefined
    this.#pendingWindow = {since: this.#pendingWindow?.since ?? window.since, until: window.until}
  }

  /** Ends a part of a slice at a checkpoint: it may be committed, and stays when what comes after it fails. */
  async endPart(window: TimeWindow, counts: StreamCounts, bookmark: JsonValue): Promise<void> {
    assertHoldsNoSecret('a bookmark', bookmark, this.#options.maskSecrets)
    await this.#options.sink.endSlice()
    this.#pending.addAll(counts)
    this.#pendingPart = {is: 'checkpoint', window, bookmark}
  }

  /** Ends the reading of records that a sweep found. */
  async endSwept(window: TimeWindow, counts: StreamCounts): Promise<void> {
    await this.#options.sink.endSlice()
    this.#pending.addAll(counts)
    this.#pendingPart = {is: 'sweep', window}
  }

  /** One that waits for another program keeps nobody from reading on; what is read meanwhile goes into the next one. */
  isDue(): boolean {
    if (this.#committing !== undefined && this.#options.held.isHeld) return false
    const {records} = this.#options.commitAfter
    return this.#pending.total().extracted >= records || performance.now() - this.#startedAt >= this.#commitInterval
  }

  /**
   * Commits what was gathered. `isLast`: the group's windows are read to their end. `ending` makes an event that is stored
   * with the commit. False where there is nothing to commit; a commit that failed is not tried twice.
   */
  async commit(isLast: boolean, ending?: (total: RunTotal) => Event): Promise<boolean> {
    await this.ended()
    const begun = this.#start(isLast, ending)
    await this.ended()
    return begun
  }

  /**
   * Begins a commit and returns, so that the next slices are read meanwhile; the one before it is in by then, unless another
   * program holds the warehouse: then none is begun, and the reading goes on.
   */
  async startCommit(isLast: boolean): Promise<void> {
    await this.#options.held.untilHeldOr(this.#commit)
    if (this.#committing === undefined) this.#start(isLast)
  }

  #start(isLast: boolean, ending?: (total: RunTotal) => Event): boolean {
    const window = this.#pendingWindow
    const part = this.#pendingPart
    const plan = this.#plan
    if ((window === undefined && part === undefined) || plan === undefined) return false
    const gathered = {counts: this.#pending, window, part, startedAt: this.#startedAt}
    this.#committing = gathered
    this.#pending = new StreamCounts(this.#options.objectTypes)
    this.#pendingWindow = undefined
    this.#pendingPart = undefined
    this.#startedAt = performance.now()
    this.#commitInterval = Math.min(this.#commitInterval * 2, this.#options.commitAfter.milliseconds)
    this.#commit = this.#write(gathered, plan, keptOf(plan, part, this.#bookmark, isLast), ending)
    // Whoever commits next hears of it, and who reads meanwhile by `failed`.
    this.#commit.catch((error: unknown) => this.#failed.abort(error))
    return true
  }

  /** Waits for the commit that is under way, with nothing else to do. Rejects where it failed, as all that come after it. */
  async ended(): Promise<void> {
    this.#idleSince = performance.now()
    try {
      await this.#commit
    } finally {
      this.#idleSince = undefined
    }
  }

  async #write(
    gathered: Gathered,
    plan: GroupPlan,
    kept: Kept,
    ending: ((total: RunTotal) => Event) | undefined,
  ): Promise<void> {
    const {counts, window} = gathered
    let told = 0
    let written: ReadonlyMap<string, Partial<Counts>> = new Map()
    let foretold = written
    const result = await this.#options.sink.commit(
      (counted, unreadable = []) => {
        const billed = this.#billed()
        told = billed.bytesBilled ?? 0
        const rows = withRejected(counted, unreadable)
        written = rows
        // Of what is not written, only that the warehouse would not take it became of a record.
        foretold = withRejected(new Map(), unreadable)
        const total = {counts: this.#countsWith(gathered, rows), commits: this.#commits + 1, ...billed}
        const last = unreadable.at(-1)
        if (last !== undefined) this.#assertFewRejects(total.counts.rejected, last)
        return [
          ...unreadable.map((one) =>
            this.#options.event(rejectedDetails(one, gathered, this.#about(one.stream, told, plan), plan.bookmark)),
          ),
          ...plan.group.streams.map((stream) =>
            this.#options.event(completedDetails(stream, gathered, rows, kept, this.#about(stream, told, plan))),
          ),
          ...(ending === undefined ? [] : [ending(total)]),
        ]
      },
      () => this.#idleSince,
    )
    this.#bytesTold = told
    for (const [objectType, more] of result === undefined ? foretold : written) addCounts(counts.of(objectType), more)
    this.#committed.addAll(counts)
    this.#committing = undefined
    this.#firstRejects += result?.firstRejects ?? counts.total().rejected
    if (window !== undefined) this.#windows = mergeWindows([...this.#windows, window])
    this.#commits += 1
    this.#tell(counts.total(), window)
  }

  #tell({extracted, inserted, updated, unchanged, rejected}: Counts, window: TimeWindow | undefined): void {
    const {sink, job, log} = this.#options
    const isWritten = sink.tables.written !== undefined
    log.info(`${job}: commit ${this.#commits} ${isWritten ? 'is in' : 'would be in: nothing is written'}`, {
      ...(window !== undefined && {window: formatWindow(window)}),
      extracted,
      ...(isWritten && {inserted, updated, unchanged}),
      rejected,
    })
  }

  #keep(bookmark: StoredBookmark | undefined): void {
    if (bookmark !== undefined) assertHoldsNoSecret('a bookmark', bookmark.value, this.#options.maskSecrets)
    this.#bookmark = bookmark
  }

  /** `billed` is what the warehouse billed until now. */
  #about({objectType}: Stream, billed: number, {bookmark, again}: GroupPlan): AboutCommit {
    const {about, limited, sink} = this.#options
    return {
      number: this.#commits + 1,
      limited,
      run: about(objectType),
      readBy: bookmark === undefined ? 'window' : again ? 'earlier bookmark' : 'bookmark',
      ...(sink.bytesBilled !== undefined && {bytesBilled: billed - this.#bytesTold}),
    }
  }

  #billed(): Pick<RunTotal, 'bytesBilled'> {
    const {bytesBilled} = this.#options.sink
    return bytesBilled === undefined ? {} : {bytesBilled}
  }

  #assertFewRejects(rejected: number, {idemKey: reference, reason}: UnreadableRecord): void {
    const {maxRejects} = this.#options
    if (rejected > maxRejects) throw tooManyRejects(maxRejects, {reference, reason})
  }

  #countsWith(gathered: Gathered, rows: ReadonlyMap<string, Partial<Counts>>): Counts {
    const total = this.#committed.total()
    addCounts(total, gathered.counts.total())
    for (const counts of rows.values()) addCounts(total, counts)
    return total
  }
}
