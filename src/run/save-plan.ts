import type {WarehouseConfig} from '../config/config.ts'
import {failure} from '../base/errors.ts'
import {STAGED_COLUMNS} from '../model/raw-object-columns.ts'
import type {Diff} from '../sink/diff.ts'
import {PlanDraft} from '../sink/plan-draft.ts'
import {diffAsPlanned} from '../sink/plan-manifest.ts'
import {kindOf} from '../warehouse/kinds.ts'
import type {StreamScope, Warehouse} from '../warehouse/warehouse.ts'
import type {FinishedRun} from './finished-run.ts'
import {readProductionState, whatMoved, type FoundState} from './production-state.ts'

export interface PlanToSave {
  readonly path: string
  /** It can be applied for so many milliseconds. */
  readonly expiresAfter: number
}

export interface SavePlanRequest {
  readonly out: PlanToSave
  /** That of this program. */
  readonly version: string
  readonly settings: WarehouseConfig
  readonly warehouse: Warehouse
  readonly scopes: readonly StreamScope[]
  readonly maskSecrets: (text: string) => string
}

/**
 * Has a dry run keep its commits in a file. Where the run fails, or production is not the same before and after it, there is no
 * file, and the run has failed.
 */
export async function savePlan(
  request: SavePlanRequest,
  read: (plan: PlanDraft) => Promise<FinishedRun>,
): Promise<FinishedRun> {
  const {out, warehouse, settings, scopes} = request
  const draft = await PlanDraft.create(out.path)
  try {
    const production = settings.tables
    const before = await readProductionState(warehouse, production, scopes)
    const run = await read(draft)
    const {report, diff} = run
    if (report.error !== undefined || diff === undefined) return run
    try {
      assertStoodStill(diff, before, await readProductionState(warehouse, production, scopes))
      const madeAt = new Date()
      const expiresAt = new Date(madeAt.getTime() + out.expiresAfter)
      const id = await draft.finish(manifestOf(request, {run, diff, draft, before, madeAt, expiresAt}))
      return {...run, plan: {path: out.path, id, expiresAt}}
    } catch (error) {
      return {...run, diff: undefined, report: {...report, error}}
    }
  } finally {
    await draft.discard()
  }
}

function assertStoodStill({moved}: Diff, before: FoundState, after: FoundState): void {
  const seen = moved && `${moved.runId === undefined ? 'somebody who logged nothing' : `run ${moved.runId}`} changed it`
  const why = seen ?? whatMoved(before.state, after)
  if (why === undefined) return
  throw failure(`production moved while this was read: ${why}`, {
    code: 'E_PLAN_STALE',
    next: 'No plan was made. Run the same command again.',
  })
}

interface ReadPlan {
  readonly run: FinishedRun
  readonly diff: Diff
  readonly draft: PlanDraft
  readonly before: FoundState
  readonly madeAt: Date
  readonly expiresAt: Date
}

function manifestOf(
  {settings: {type, settings, tables}, version, scopes, maskSecrets}: SavePlanRequest,
  {run, diff, draft, before, madeAt, expiresAt}: ReadPlan,
): string {
  const [first] = scopes
  if (first === undefined) throw new Error('a job without streams')
  const {job, account} = first
  // Nothing of an option is in here, but a record may hold what is one.
  const masked = (_name: string, value: unknown): unknown => (typeof value === 'string' ? maskSecrets(value) : value)
  return JSON.stringify({
    schema: 1,
    lorchestra: version,
    madeAt: madeAt.toISOString(),
    readAt: draft.readAt.toISOString(),
    expiresAt: expiresAt.toISOString(),
    runId: run.runId,
    job,
    account,
    source: run.description.source,
    streams: scopes.map(({stream, selection}) => ({...stream, selection})),
    warehouse: {type, place: kindOf({type}).placeOf(settings), ...tables},
    columns: STAGED_COLUMNS.map(({name}) => name),
    madeAgainst: before.state,
    commits: draft.commits,
    counts: run.report.counts,
    diff: JSON.parse(JSON.stringify(diffAsPlanned(diff), masked)) as object,
  })
}
