import {asError, messageWithCauses} from '../base/errors.ts'
import {CLOCK_TOLERANCE} from '../model/clock.ts'
import {StreamCounts} from '../model/counts.ts'
import {cursorOf, type TimeWindow} from '../model/window.ts'
import type {Estimate, Stream} from '../source.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import type {StreamState} from '../warehouse/warehouse.ts'
import {askIdentity} from './ask-source.ts'
import {mayBeOfBookmark} from './bookmark-fault.ts'
import {CommitLedger, type LedgerOptions} from './commit-ledger.ts'
import {estimatePlans, slicesOf, sumOf} from './estimate.ts'
import {endFailedRun, type UnfinishedSlice} from './failed-run.ts'
import {JobEvents} from './job-events.ts'
import type {JobRun, RunReport} from './job-run.ts'
import {countOpenRejects} from './open-rejects.ts'
import {assertClockIsRight, assertSelectableByWindow, type GroupPlan} from './plan.ts'
import {planGroups, planWithoutBookmark} from './plan-groups.ts'
import {readSlice} from './read-slice.ts'
import {RecordShapes} from './record-shapes.ts'
import {RejectWarnings} from './reject-warnings.ts'
import type {PartResult, SliceResult} from './slice.ts'
import {assertCanSweep, isSweepDue, unknownKeys} from './sweep.ts'
import {groupOf, scopesOfGroups, streamGroups, type StreamGroup} from './stream-groups.ts'
import type {SweptKeys} from './swept-keys.ts'

/** Reads what is due, commits it and leaves the audit trail. A failure is part of the report, after what was kept. */
export async function runJob(run: JobRun): Promise<RunReport> {
  const groups = streamGroups(
    sourceAnswer(() => run.source.streams(run.options)),
    run.sourceSystem,
    run.selection,
  )
  assertSelectableByWindow(run.job, groups, run.request)
  assertCanSweep(run)
  const pipeline = new Pipeline(run, groups)
  await pipeline.begin()
  const error = await pipeline.readAndCommit()
  const closingError = await closeSink(run)
  return pipeline.report(error ?? closingError)
}

async function closeSink({sink, log}: JobRun): Promise<unknown> {
  try {
    await sink.close()
    return undefined
  } catch (error) {
    log.error(`cleaning up failed: ${messageWithCauses(error)}`)
    return error
  }
}

interface SliceOutcome {
  readonly empty: boolean
  readonly limitReached: boolean
  /** Why the source could not begin to read from its bookmark. */
  readonly refused?: Error
}

class Pipeline {
  readonly #run: JobRun
  readonly #groups: readonly StreamGroup[]
  readonly #events: JobEvents
  readonly #ledger: CommitLedger
  readonly #rejectWarnings: RejectWarnings
  readonly #shapes: RecordShapes
  readonly #states = new Map<StreamGroup, readonly StreamState[]>()
  #identity: string | undefined
  #droppedBookmark: string | undefined
  #openRejects: number | undefined
  #swept: SweptKeys | undefined
  #estimates: ReadonlyMap<TimeWindow, Estimate> | undefined
  /** The slice that is being read; what it spooled is dropped if it fails. */
  #slice: UnfinishedSlice | undefined

  constructor(run: JobRun, groups: readonly StreamGroup[]) {
    this.#run = run
    this.#groups = groups
    this.#events = new JobEvents(run)
    this.#rejectWarnings = new RejectWarnings(run.log)
    const about = (objectType: string) => ({
      ...this.#aboutGroup(groupOf(groups, objectType)),
      ...(this.#identity !== undefined && {identity: this.#identity}),
    })
    const event: LedgerOptions['event'] = (details) => this.#events.event(details)
    this.#shapes = new RecordShapes({...run, policy: run.schema, about, event})
    this.#ledger = new CommitLedger({
      ...run,
      objectTypes: this.#streams().map(({objectType}) => objectType),
      limited: run.request.limit !== undefined,
      about,
      event,
    })
  }

  async begin(): Promise<void> {
    const {sink, runId, claim} = this.#run
    const streams = this.#streams()
    await sink.begin({
      runId,
      scopes: scopesOfGroups(this.#run, this.#groups),
      started: await this.#events.started(streams),
      ...(claim !== undefined && {claim}),
    })
  }

  /** Returns what went wrong, if anything, after keeping what is whole and logging the end. */
  async readAndCommit(): Promise<unknown> {
    try {
      await this.#readAll()
    } catch (thrown) {
      const {failed} = this.#ledger
      const error = asError(failed.aborted ? failed.reason : thrown)
      const unfinished = this.#slice && {...this.#slice, events: this.#shapes.refused}
      await endFailedRun(this.#run, this.#ledger, this.#events, unfinished, error)
      return error
    } finally {
      this.#rejectWarnings.end()
    }
    this.#openRejects = await countOpenRejects(this.#run, this.#ledger.total.counts.rejected)
    return undefined
  }

  report(error: unknown): RunReport {
    const {sink, start, request} = this.#run
    const states = this.#groups.filter(({windowed}) => windowed).flatMap((group) => this.#states.get(group) ?? [])
    const {windows, total, firstRejects} = this.#ledger
    const moved = sink.tables.written === undefined || request.limit !== undefined ? [] : windows
    const cursorWith = (more: readonly TimeWindow[]): number =>
      Math.min(...states.map(({covered}) => cursorOf(start, [...covered, ...more])))
    return {
      ...total,
      dropped: this.#ledger.counts().extracted + (this.#slice?.counts.total().extracted ?? 0) - total.counts.extracted,
      windows,
      firstRejects,
      ...(this.#openRejects !== undefined && {openRejects: this.#openRejects}),
      ...(this.#droppedBookmark !== undefined && {droppedBookmark: this.#droppedBookmark}),
      ...(this.#swept !== undefined && {swept: this.#swept}),
      schema: {policy: this.#run.schema, changes: this.#shapes.changes},
      newSelection: states.some(({otherSelectionCovered}) => otherSelectionCovered),
      ...(states.length > 0 &&
        sink.tables.read !== undefined && {cursor: {before: cursorWith([]), after: cursorWith(moved)}}),
      ...(error !== undefined && {error}),
    }
  }

  async #readAll(): Promise<void> {
    const {sink, request, now} = this.#run
    const states = [...(await sink.streamStates())]
    for (const group of this.#groups) this.#states.set(group, states.splice(0, group.streams.length))
    const all = [...this.#states.values()].flat()
    this.#shapes.begin(this.#streams(), all)
    assertClockIsRight(this.#run.job, all, now().getTime())
    this.#identity = await askIdentity(this.#run, this.#streams(), all)
    const {plans, dropped} = await planGroups(this.#run, this.#states)
    this.#droppedBookmark = dropped
    this.#run.planned(plans.flatMap(({windows}) => windows))
    this.#estimates = request.limit === undefined ? await estimatePlans(this.#run, plans) : undefined
    if (this.#estimates !== undefined) this.#run.estimated(sumOf(this.#estimates.values()))
    const sweeps = this.#groups.filter((group) => isSweepDue(this.#run, this.#states.get(group) ?? []))
    let completed = false
    for (const [index, plan] of plans.entries())
      completed = await this.#readGroup(plan, index === plans.length - 1 && sweeps.length === 0)
    if (completed) return
    for (const group of sweeps) await this.#sweep(group)
    const event = this.#events.completed(this.#ledger.total)
    await sink.commit(() => [event])
  }

  /** Answers true where its last commit completed the job. */
  async #readGroup(plan: GroupPlan, isLastGroup: boolean): Promise<boolean> {
    this.#ledger.startGroup(plan)
    for (const [index, window] of plan.windows.entries()) {
      const slices = slicesOf(this.#run, plan, window, this.#estimates?.get(window))
      const isLastWindow = index === plan.windows.length - 1
      for (let slice = await slices.next(false); slice !== undefined;) {
        const {empty, limitReached, refused} = await this.#readSlice(plan, slice)
        if (refused !== undefined) return this.#readWithoutBookmark(plan, refused, isLastGroup)
        slice = limitReached ? undefined : await slices.next(empty)
        const isLast = slice === undefined && isLastWindow
        if (isLastGroup && (isLast || limitReached)) {
          return this.#ledger.commit(isLast, (total) => this.#events.completed(total))
        }
        if (slice === undefined) await this.#ledger.commit(isLast)
        else if (this.#ledger.isDue()) await this.#ledger.startCommit(isLast)
        if (limitReached) return false
      }
    }
    return false
  }

  /** Reads what exists and is not stored, after all windows: what these found is stored by then. */
  async #sweep(group: StreamGroup): Promise<void> {
    const {job, log, sink, start, now} = this.#run
    const {streams, windowed} = group
    log.info(`${job} lists all keys that exist, to read the records that are not stored`)
    await sink.forgetKnown()
    const window = {since: windowed ? start : -Infinity, until: now().getTime()}
    this.#ledger.startGroup({group, windows: [], sliceLength: undefined, keepsBookmark: 'never'})
    const swept = new Map(streams.map(({objectType}) => [objectType, {listed: 0, unknown: 0}]))
    const reader = this.#reader()
    for await (const keys of unknownKeys(reader, streams, window, swept)) {
      const counts = this.#noCounts()
      this.#slice = {streams, window, counts}
      const rejectedBefore = this.#ledger.counts().rejected
      const {shapes} = await readSlice(reader, {streams, window, keys, limit: Infinity, rejectedBefore, counts})
      await this.#shapes.endPart(shapes)
      await this.#ledger.endSwept(window, counts)
      this.#slice = undefined
      if (this.#ledger.isDue()) await this.#ledger.startCommit(false)
    }
    await this.#ledger.commit(false)
    for (const stream of streams) {
      const {listed, unknown} = swept.get(stream.objectType) ?? {listed: 0, unknown: 0}
      this.#swept = {listed: listed + (this.#swept?.listed ?? 0), unknown: unknown + (this.#swept?.unknown ?? 0)}
      // Lands with what tells that the job is completed.
      await sink.logEvent(this.#events.swept(stream, this.#aboutGroup(group), {listed, unknown}))
    }
  }

  /** Reads a group whose bookmark its source could not read from. */
  async #readWithoutBookmark(refused: GroupPlan, reason: Error, isLastGroup: boolean): Promise<boolean> {
    const {plan, dropped} = await planWithoutBookmark(this.#run, refused, this.#states, reason)
    this.#droppedBookmark = dropped
    this.#estimates = await estimatePlans(this.#run, [plan])
    return this.#readGroup(plan, isLastGroup)
  }

  async #readSlice(plan: GroupPlan, window: TimeWindow): Promise<SliceOutcome> {
    const before = this.#ledger.counts()
    const limit = (this.#run.request.limit ?? Infinity) - before.extracted
    if (limit <= 0) return {empty: true, limitReached: true}
    const counts = this.#noCounts()
    this.#slice = {streams: plan.group.streams, window, counts}
    const reader = this.#reader()
    let checkpoints = 0
    const atCheckpoint = async ({bookmark, shapes}: PartResult): Promise<void> => {
      checkpoints += 1
      await this.#shapes.endPart(shapes)
      await this.#ledger.endPart(window, counts, bookmark)
      counts.clear()
      if (this.#ledger.isDue()) await this.#ledger.startCommit(false)
    }
    let result: SliceResult
    try {
      result = await readSlice(reader, {
        streams: plan.group.streams,
        window,
        ...(plan.bookmark !== undefined && {bookmark: plan.bookmark}),
        limit,
        rejectedBefore: before.rejected,
        about: this.#aboutGroup(plan.group),
        ...(plan.group.windowed && {mostAhead: this.#run.overlap + CLOCK_TOLERANCE}),
        counts,
        ...(plan.atCheckpoint !== undefined && {atCheckpoint}),
      })
    } catch (error) {
      const {extracted, deleted} = counts.total()
      if (
        plan.bookmark === undefined ||
        checkpoints > 0 ||
        extracted + deleted > 0 ||
        reader.signal.aborted ||
        !mayBeOfBookmark(error)
      )
        throw error
      return {empty: true, limitReached: false, refused: asError(error)}
    }
    await this.#shapes.endPart(result.shapes)
    await this.#ledger.endSlice(window, counts, result.bookmark)
    this.#slice = undefined
    if (limit === Infinity) this.#run.observe({read: window})
    const {listed, deleted, extracted} = counts.total()
    return {empty: listed + deleted === 0, limitReached: extracted >= limit}
  }

  #reader() {
    const signal = AbortSignal.any([this.#run.signal, this.#ledger.failed])
    return {...this.#run, signal, rejectWarnings: this.#rejectWarnings}
  }

  #noCounts(): StreamCounts {
    return new StreamCounts(this.#streams().map(({objectType}) => objectType))
  }

  /** What events say of the job. */
  #aboutGroup({selection}: StreamGroup) {
    const {job, account} = this.#run
    return {job, account, selection}
  }

  #streams(): readonly Stream[] {
    return this.#groups.flatMap(({streams}) => streams)
  }
}
