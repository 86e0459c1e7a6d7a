import {addCounts, noCounts, type Counts} from '../model/counts.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import type {TableSet} from '../model/tables.ts'
import {beginOnProduction} from '../sink/beside-runs.ts'
import type {PlannedCommit} from '../sink/plan-manifest.ts'
import {createRunFolder, removeRunFolder} from '../sink/run-folder.ts'
import type {CommitBatch} from '../warehouse/commit-batch.ts'
import {commitCountsOf, isAnotherValue} from '../warehouse/comparison.ts'
import type {StreamScope, Warehouse, WarehouseWriter} from '../warehouse/warehouse.ts'
import {assertAsPlanned, countsOf, eventsOfCommit} from './planned-commit.ts'
import {batchOfPlan, removeBatch} from './planned-files.ts'
import {moved, readProductionState, stateAfter, whatMoved} from './production-state.ts'
import {refused, type Plan} from './read-plan.ts'
import {createRunId} from './run-id.ts'
import {endedBeside, secondsSince, startedBeside, writeBeside, type WritingBeside} from './written-beside.ts'

export interface ApplyRequest {
  readonly plan: Plan
  readonly warehouse: Warehouse
  readonly production: TableSet
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  /** Holds a folder of each run for its temporary files. */
  readonly folderOf: (runId: string) => string
  readonly signal: AbortSignal
  readonly maskSecrets: (text: string) => string
}

export interface AppliedPlan {
  /** Those of the commits that were made; in a dry run, that would be. */
  readonly counts: Counts
  readonly commits: number
  /** So many were made before, by a run that did not come to the end. */
  readonly earlierCommits: number
  /** `undefined` in a dry run. */
  readonly runId: string | undefined
  /** Rejects that no earlier run had. */
  readonly firstRejects: number
  readonly bytesBilled: number | undefined
  readonly seconds: number
}

/**
 * Makes the commits of a plan, as the run that was planned would have made them, with the rows that were looked at. Before each of
 * them production must say what it said when the plan was made, but for the commits before it; goes on where an earlier run ended.
 */
export async function applyPlan(request: ApplyRequest): Promise<AppliedPlan> {
  const startedAt = new Date()
  const applying = new Applying(request, startedAt)
  // Nothing is logged of a plan that is refused.
  await applying.findPlace()
  const writer = await beginOnProduction(request, request.mode, await applying.toBegin())
  const folder = request.folderOf(applying.runId)
  if (writer === undefined) {
    await within(folder, async () => applying.compare(folder))
  } else {
    await writeBeside(applying.beside(), writer, async () =>
      within(folder, async () => applying.commit(writer, folder)),
    )
  }
  return applying.report(writer !== undefined)
}

class Applying {
  readonly runId: string
  readonly #request: ApplyRequest
  readonly #startedAt: Date
  readonly #scopes: readonly StreamScope[]
  readonly #counts = noCounts()
  #firstRejects = 0
  #commits = 0
  /** The commits before this one are in. */
  #place = 0

  constructor(request: ApplyRequest, startedAt: Date) {
    const {job, account, streams} = request.plan.manifest
    this.runId = createRunId(job, startedAt)
    this.#request = request
    this.#startedAt = startedAt
    this.#scopes = streams.map(({selection, ...stream}) => ({job, account, selection, stream}))
  }

  /** Finds the first commit that is not in. Throws where there is none, and where production moved. */
  async findPlace(): Promise<number> {
    const {plan, warehouse, production} = this.#request
    const {commits} = plan.manifest
    // State and runs are read one after the other, and another run of this plan may commit in between: two looks alike are sure.
    for (let before: string | undefined; ;) {
      const found = await readProductionState(warehouse, production, this.#scopes, plan.id)
      const own = found.runs.filter(({applies, outcome}) => applies?.plan === plan.id && outcome !== 'undone')
      const place = own.reduce((sum, {applies}) => sum + (applies?.commits ?? 0), 0)
      if (place >= commits.length)
        throw refused(`the plan was applied already by run ${own[0]?.runId ?? ''}`, 'There is nothing left to apply.')
      const why = whatMoved(stateAfter(plan.manifest, commits.slice(0, place)), found)
      if (why === undefined) {
        this.#place = place
        return place
      }
      const seen = JSON.stringify([found.state, place])
      if (seen === before) throw moved(why)
      before = seen
    }
  }

  async toBegin() {
    const {id, manifest} = this.#request.plan
    const plan = {id, read_at: manifest.readAt}
    const payload = await startedBeside(manifest, 'production', manifest.streams, {plan})
    return {runId: this.runId, scopes: this.#scopes, started: () => this.#event({type: 'job.started', payload})}
  }

  beside(): WritingBeside {
    const {plan, maskSecrets} = this.#request
    const {job, account} = plan.manifest
    return {
      job,
      account,
      startedAt: this.#startedAt,
      event: (details) => this.#event(details),
      maskSecrets,
      committed: () => ({counts: this.#counts, commits: this.#commits}),
    }
  }

  async commit(writer: WarehouseWriter, folder: string): Promise<void> {
    const {plan, warehouse, signal} = this.#request
    // Its streams are this run's from now on; what came before that is seen here.
    const first = await this.findPlace()
    let billed = warehouse.bytesBilled ?? 0
    for (const [place, commit] of [...plan.manifest.commits.entries()].slice(first)) {
      signal.throwIfAborted()
      // No other run writes them, but somebody may who logs nothing.
      if (place > first) await this.findPlace()
      const batch = await batchOfPlan(plan, commit, {folder, runId: this.runId})
      let told = billed
      const {firstRejects} = await writer.commit(batch, (counts, _unreadable, digest) => {
        assertAsPlanned(place + 1, commit, {counts, digest})
        told = warehouse.bytesBilled ?? 0
        const bytesBilled = warehouse.bytesBilled === undefined ? undefined : told - billed
        return [...eventsOfCommit({plan, runId: this.runId, place, bytesBilled}), ...this.#ending(place, commit)]
      })
      billed = told
      this.#add(commit)
      this.#firstRejects += firstRejects
      await removeBatch(batch)
    }
  }

  /** Compares as a commit does, and writes nothing. */
  async compare(folder: string): Promise<void> {
    const {plan, warehouse, production: tables, signal} = this.#request
    const streams = this.#scopes.map(({stream}) => stream)
    const comparison = await warehouse.openComparison({
      tables,
      streams,
      begunAt: this.#startedAt,
      runId: this.runId,
      folder,
      isWritten: false,
    })
    try {
      let last: CommitBatch | undefined
      for (const [place, commit] of [...plan.manifest.commits.entries()].slice(this.#place)) {
        signal.throwIfAborted()
        const batch = await batchOfPlan(plan, commit, {folder, runId: this.runId})
        const compared = await comparison.compare(batch, {isChanged: isAnotherValue, insertedSamples: 0})
        assertAsPlanned(place + 1, commit, {counts: commitCountsOf(compared), digest: compared.digest})
        this.#add(commit)
        // A batch is compared with what the one before it would have written.
        if (last !== undefined) await removeBatch(last)
        last = batch
      }
    } finally {
      await comparison.close()
    }
  }

  report(isWritten: boolean): AppliedPlan {
    const {warehouse, plan} = this.#request
    return {
      counts: this.#counts,
      commits: this.#commits,
      earlierCommits: plan.manifest.commits.length - this.#commits,
      runId: isWritten ? this.runId : undefined,
      firstRejects: this.#firstRejects,
      bytesBilled: warehouse.bytesBilled,
      seconds: secondsSince(this.#startedAt),
    }
  }

  /** The last commit ends the run, and gives its streams back. */
  #ending(place: number, commit: PlannedCommit): readonly Event[] {
    const {job, account, commits} = this.#request.plan.manifest
    if (place < commits.length - 1) return []
    const counts = {...this.#counts}
    addCounts(counts, countsOf(commit))
    const payload = endedBeside({job, account, startedAt: this.#startedAt}, {counts, commits: this.#commits + 1})
    return [this.#event({type: 'job.completed', payload})]
  }

  #add(commit: PlannedCommit): void {
    addCounts(this.#counts, countsOf(commit))
    this.#commits += 1
  }

  #event(details: Omit<EventDetails, 'runId' | 'at'>): Event {
    return createEvent({...details, runId: this.runId, at: new Date()})
  }
}

async function within(folder: string, work: () => Promise<void>): Promise<void> {
  await createRunFolder(folder)
  try {
    await work()
  } finally {
    await removeRunFolder(folder)
  }
}
