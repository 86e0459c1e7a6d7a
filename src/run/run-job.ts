import {CommitLedger, type RunTotal} from './commit-ledger.ts'
import {StreamCounts, type Counts} from '../model/counts.ts'
import {asError, failure, messageWithCauses, usageError} from '../base/errors.ts'
import {estimatePlans, slicesOf, sumOf} from './estimate.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import {assertClockIsRight, assertSelectableByWindow, isPlain, planGroup, sharedBookmark, streamGroups} from './plan.ts'
import type {GroupPlan, Schedule, StreamGroup} from './plan.ts'
import {ownProcess} from '../base/process-identity.ts'
import {assertJson, readSlice} from './read-slice.ts'
import type {SliceReader} from './slice.ts'
import {contextBetweenSlices} from './source-context.ts'
import type {Sink} from '../sink/sink.ts'
import type {Estimate, JsonObject, SourceContext, Stream} from '../source.ts'
import {untilAborted} from '../base/waiting.ts'
import type {StreamState} from '../warehouse/warehouse.ts'
import {cursorOf, windowAsText, type TimeWindow} from '../model/window.ts'
import type {WindowRequest} from './window-request.ts'

/** A job, ready to run: `runJob` is given everything and finds nothing out by itself. */
export interface JobRun extends SliceReader, Schedule {
  readonly sink: Sink
  readonly start: number
  readonly job: string
  readonly account: string | null
  readonly sourceSystem: string
  /** Hash of the options that say which records are read. */
  readonly selection: string
  readonly request: WindowRequest
  readonly startedAt: Date
  readonly commitAfter: {readonly records: number; readonly milliseconds: number}
  /** Called with what is due before any of it is read. */
  readonly planned: (windows: readonly TimeWindow[]) => void
  /** Called then, where the source can count what it will take. */
  readonly estimated: (estimate: Estimate) => void
  readonly maskSecrets: (text: string) => string
}

export interface RunReport {
  /** Of whole slices that are in the warehouse; in a dry run, that were read. */
  readonly counts: Counts
  readonly windows: readonly TimeWindow[]
  readonly commits: number
  /** Rejects that no earlier run had. */
  readonly firstRejects: number
  /** Where a plain run goes on; missing where the job's records have no time or coverage was not read. */
  readonly cursor?: {readonly before: number; readonly after: number}
  /** The streams were read before, but with another selection. */
  readonly newSelection: boolean
  /** By the warehouse, for the whole run; missing where nothing is billed. */
  readonly bytesBilled?: number
  readonly error?: unknown
}

/** Reads what is due, commits it and leaves the audit trail. A failure is part of the report, after what was kept. */
export async function runJob(run: JobRun): Promise<RunReport> {
  const groups = streamGroups(run.source.streams(run.options), run.sourceSystem)
  assertSelectableByWindow(run.job, groups, run.request)
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

class Pipeline {
  readonly #run: JobRun
  readonly #groups: readonly StreamGroup[]
  readonly #ledger: CommitLedger
  readonly #states = new Map<StreamGroup, readonly StreamState[]>()
  #identity: string | undefined
  #estimates: ReadonlyMap<TimeWindow, Estimate> | undefined
  /** Being read; what it spooled is dropped if it fails. */
  #slice: {readonly group: StreamGroup; readonly window: TimeWindow} | undefined

  constructor(run: JobRun, groups: readonly StreamGroup[]) {
    const {job, account, selection} = run
    this.#run = run
    this.#groups = groups
    this.#ledger = new CommitLedger({
      sink: run.sink,
      objectTypes: this.#streams().map(({objectType}) => objectType),
      commitAfter: run.commitAfter,
      limited: run.request.limit !== undefined,
      about: () => ({job, account, selection, ...(this.#identity !== undefined && {identity: this.#identity})}),
      event: (details) => this.#event(details),
    })
  }

  async begin(): Promise<void> {
    const {job, account, selection, request, sink, runId} = this.#run
    const streams = this.#streams()
    const payload = {
      job,
      account,
      mode: sink.mode,
      streams: streams.map(({sourceSystem, objectType}) => `${sourceSystem}/${objectType}`),
      request: {...request},
      process: {...(await ownProcess())},
    }
    await sink.begin({
      runId,
      scopes: streams.map((stream) => ({job, account, selection, stream})),
      started: () => this.#event({type: 'job.started', payload}),
    })
  }

  /** Returns what went wrong, if anything, after keeping what is whole and logging the end. */
  async readAndCommit(): Promise<unknown> {
    try {
      await this.#readAll()
    } catch (thrown) {
      const error = asError(thrown)
      await this.#afterFailure(error)
      return error
    }
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
      windows,
      firstRejects,
      newSelection: states.some(({coveredBefore}) => coveredBefore),
      ...(states.length > 0 &&
        sink.tables.read !== undefined && {cursor: {before: cursorWith([]), after: cursorWith(moved)}}),
      ...(error !== undefined && {error}),
    }
  }

  async #readAll(): Promise<void> {
    const {source, sink, request, now} = this.#run
    const states = [...(await sink.streamStates())]
    for (const group of this.#groups) this.#states.set(group, states.splice(0, group.streams.length))
    assertClockIsRight(this.#run.job, this.#allStates(), now().getTime())
    await this.#checkIdentity()
    const mark = isPlain(request) ? await this.#ask(source.mark?.bind(source)) : undefined
    if (mark !== undefined) assertJson(mark, 'mark')
    const moment = {now: now().getTime(), canResume: await this.#canResume(), ...(mark !== undefined && {mark})}
    const plans = this.#groups.map((group) =>
      planGroup(this.#run, group, this.#states.get(group) ?? [], request, moment),
    )
    this.#run.planned(plans.flatMap(({windows}) => windows))
    this.#estimates = request.limit === undefined ? await estimatePlans(this.#run, plans) : undefined
    if (this.#estimates !== undefined) this.#run.estimated(sumOf(this.#estimates.values()))
    let completed = false
    for (const [index, plan] of plans.entries()) completed = await this.#readGroup(plan, index === plans.length - 1)
    if (!completed) await this.#commitAlone(this.#completed(this.#ledger.total))
  }

  async #canResume(): Promise<boolean> {
    const {source, request} = this.#run
    if (!isPlain(request) || sharedBookmark(this.#allStates()) === undefined) return true
    return (await this.#ask(source.canResume?.bind(source))) !== false
  }

  async #ask<Answer>(
    question: ((context: SourceContext<unknown>) => Promise<Answer>) | undefined,
  ): Promise<Answer | undefined> {
    if (question === undefined) return undefined
    const kept = sharedBookmark(this.#allStates())
    const context = contextBetweenSlices(this.#run, this.#streams())
    return untilAborted(question({...context, ...(kept !== undefined && {bookmark: kept.value})}), this.#run.signal)
  }

  async #checkIdentity(): Promise<void> {
    const {source, account, job} = this.#run
    const answer = await this.#ask(source.check?.bind(source))
    if (answer === undefined) return
    if (typeof answer.identity !== 'string') throw failure('the source gave no name for whose data this is')
    this.#identity = answer.identity
    const stored = this.#allStates().find(({identity}) => identity !== undefined)?.identity
    if (stored === undefined || stored === answer.identity) return
    throw usageError(
      `${account === null ? `job ${job}` : `account ${account}`} used to hold the data of ${stored} and now answers with that of ${answer.identity}`,
      'Use the credentials of the former, or give the other one an account of its own in lorchestra.yaml.',
    )
  }

  /** True where its last commit completed the job. */
  async #readGroup(plan: GroupPlan, isLastGroup: boolean): Promise<boolean> {
    this.#ledger.startGroup(plan)
    for (const [index, window] of plan.windows.entries()) {
      const slices = slicesOf(this.#run, plan, window, this.#estimates?.get(window))
      const isLastWindow = index === plan.windows.length - 1
      for (let slice = await slices.next(false); slice !== undefined;) {
        const {empty, limitReached} = await this.#readSlice(plan, slice)
        slice = limitReached ? undefined : await slices.next(empty)
        const isLast = slice === undefined && isLastWindow
        if (isLastGroup && (isLast || limitReached)) {
          return this.#ledger.commit(isLast, (total) => this.#completed(total))
        }
        if (slice === undefined || this.#ledger.isDue()) await this.#ledger.commit(isLast)
        if (limitReached) return false
      }
    }
    return false
  }

  async #readSlice(plan: GroupPlan, window: TimeWindow): Promise<{empty: boolean; limitReached: boolean}> {
    const before = this.#ledger.counts()
    const limit = (this.#run.request.limit ?? Infinity) - before.extracted
    if (limit <= 0) return {empty: true, limitReached: true}
    const counts = new StreamCounts(this.#streams().map(({objectType}) => objectType))
    this.#slice = {group: plan.group, window}
    const {bookmark} = await readSlice(this.#run, {
      streams: plan.group.streams,
      window,
      ...(plan.bookmark !== undefined && {bookmark: plan.bookmark}),
      limit,
      rejectedBefore: before.rejected,
      counts,
    })
    await this.#ledger.endSlice(window, counts, bookmark)
    this.#slice = undefined
    const {listed, deleted, extracted} = counts.total()
    return {empty: listed + deleted === 0, limitReached: extracted >= limit}
  }

  /** Nothing here may hide the error that came first. */
  async #afterFailure(error: unknown): Promise<void> {
    const {sink, log, job, maskSecrets} = this.#run
    const message = maskSecrets(messageWithCauses(error))
    const failed = this.#slice
    try {
      if (failed !== undefined) await sink.dropUnfinishedSlice()
      await this.#ledger.commit(false)
    } catch (second) {
      log.error(`the slices before the failed one could not be committed: ${messageWithCauses(second)}`)
    }
    try {
      await sink.discard()
      for (const stream of failed?.group.streams ?? []) {
        const payload = {job, window: failed === undefined ? null : windowAsText(failed.window)}
        await sink.logEvent(this.#event({type: 'ingestion.failed', ...stream, error: message, payload}))
      }
      const payload = this.#summary(this.#ledger.total)
      await this.#commitAlone(this.#event({type: 'job.failed', error: message, payload}))
    } catch (second) {
      log.error(`the failure could not be written to the event log: ${messageWithCauses(second)}`)
    }
  }

  #allStates(): readonly StreamState[] {
    return [...this.#states.values()].flat()
  }

  #streams(): readonly Stream[] {
    return this.#groups.flatMap(({streams}) => streams)
  }

  #completed(total: RunTotal): Event {
    return this.#event({type: 'job.completed', payload: this.#summary(total)})
  }

  #summary({counts, commits, bytesBilled}: RunTotal): JsonObject {
    const {job, account, startedAt, now} = this.#run
    return {
      job,
      account,
      counts: {...counts},
      commits,
      duration_seconds: Math.max(0, now().getTime() - startedAt.getTime()) / 1000,
      ...(bytesBilled !== undefined && {bytes_billed: bytesBilled}),
    }
  }

  async #commitAlone(event: Event): Promise<void> {
    await this.#run.sink.commit(() => [event])
  }

  #event(details: Omit<EventDetails, 'runId' | 'at'>): Event {
    const {runId, now} = this.#run
    return createEvent({...details, runId, at: now()})
  }
}
