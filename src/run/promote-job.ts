import {failure} from '../base/errors.ts'
import {addCounts, noCounts, type Counts} from '../model/counts.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import {testTablesOf} from '../model/tables.ts'
import {beginOnProduction} from '../sink/beside-runs.ts'
import type {ChangedRows} from '../warehouse/promotion.ts'
import type {StreamScope, StreamState, WarehouseWriter} from '../warehouse/warehouse.ts'
import type {CommitCounts} from '../warehouse/commit-batch.ts'
import {knownSchema} from './record-shapes.ts'
import {hasSeeded} from './past-runs.ts'
import {createRunId} from './run-id.ts'
import {coverageEvents, shapeEvents} from './taken-over-events.ts'
import {
  assertPromotable,
  readTestTables,
  testedWindows,
  type TestTablesRequest,
  type TestTablesState,
} from './test-tables.ts'
import {endedBeside, secondsSince, startedBeside, writeBeside} from './written-beside.ts'

type Details = Omit<EventDetails, 'runId' | 'at'>

export interface PromoteRequest extends TestTablesRequest {
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  /** What becomes of changed rows where production was written to since the test run began. */
  readonly changed: Exclude<ChangedRows, 'take'>
  readonly maskSecrets: (text: string) => string
}

export interface PromotionReport {
  readonly state: TestTablesState
  /** `undefined` in a dry run. */
  readonly promoted: {readonly runId: string; readonly counts: Counts} | undefined
  /** What becomes of changed rows. */
  readonly changed: ChangedRows
  /** The bookmark of the test runs is left behind, because production has one, or coverage, of its own. */
  readonly leavesBookmark: boolean
  readonly seconds: number
}

/**
 * Makes production's what test runs of a job have stored and covered, without reading it again: rows, completed windows, rejects
 * and deletions in one transaction, the bookmark where production has read nothing of the streams yet, and the shape of their
 * records where it knows none.
 */
export async function promoteJob(request: PromoteRequest): Promise<PromotionReport> {
  const startedAt = new Date()
  const {scopes} = request
  const state = await readTestTables(request)
  assertPromotable(state, scopes)
  const {update, newer} = state.diff.counts
  // A commit that was under way while the rows of a seed were copied may tell of an instant before that.
  const wasWritten = state.productionRuns.length > 0 || (isSeeded(state) && newer > 0)
  const changed = wasWritten ? request.changed : 'take'
  if (changed === 'refuse' && update + newer > 0) throw changedInProduction(update + newer, state)
  const promoted = await write(request, state, changed, startedAt)
  return {
    state,
    promoted,
    changed,
    leavesBookmark: state.test.some(
      ({bookmark}, index) => bookmark !== undefined && !isFirstLoad(state.production[index]),
    ),
    seconds: secondsSince(startedAt),
  }
}

async function write(
  {warehouse, production, scopes, mode, maskSecrets}: PromoteRequest,
  state: TestTablesState,
  changed: ChangedRows,
  startedAt: Date,
): Promise<PromotionReport['promoted']> {
  const [first] = scopes
  if (first === undefined) throw new Error('a job without streams')
  const {job, account} = first
  const runId = createRunId(job, startedAt)
  const {tested} = state
  const runs = tested.map((run) => run.runId)
  const event = (details: Details): Event => createEvent({...details, runId, at: new Date()})
  const streams = scopes.map(({stream}) => stream)
  const started = await startedBeside(first, 'production', streams, {
    promotion: {
      from: testTablesOf(production).rawObjects,
      runs,
      started: tested.map(({startedAt: at}) => new Date(at).toISOString()),
    },
  })
  const writer = await beginOnProduction({warehouse, production}, mode, {
    runId,
    scopes,
    started: () => event({type: 'job.started', payload: started}),
  })
  if (writer === undefined) return undefined
  return writeBeside({job, account, startedAt, event, maskSecrets}, writer, async () => {
    assertNothingCameBetween(state, writer)
    const promotion = await writer.promote({
      from: testTablesOf(production),
      streams,
      announced: state.announced,
      ...(isSeeded(state) && {insertedAt: tested.map((run) => run.startedAt)}),
      changed,
      runs,
      runId,
      events: (rows) => [
        ...scopes.flatMap((scope, index) => promotionEvents(scope, index, state, rows, runs).map(event)),
        event({
          type: 'job.completed',
          payload: endedBeside({job, account, startedAt}, {counts: totalOf(rows), commits: 1}),
        }),
      ],
    })
    return {runId, counts: totalOf(promotion)}
  })
}

function promotionEvents(
  scope: StreamScope,
  index: number,
  state: TestTablesState,
  rows: CommitCounts,
  runs: readonly string[],
): readonly Details[] {
  const {bookmark, identity, schema = []} = state.test[index] ?? {}
  const production = state.production[index]
  const origin = {word: 'promoted', payload: {promoted_from: [...runs]}}
  const coverage = {
    covered: testedWindows(state, scope),
    identity,
    bookmark: isFirstLoad(production) ? bookmark : undefined,
  }
  return [
    ...coverageEvents(scope, coverage, rows.get(scope.stream.objectType) ?? {}, origin),
    // Where production knows a shape, it learns what is new from its own next run.
    ...(knownSchema(production?.schema ?? []).isEmpty ? shapeEvents(scope, schema, origin) : []),
  ]
}

const isSeeded = ({runs}: TestTablesState): boolean => runs.some(hasSeeded)

const isFirstLoad = (state: StreamState | undefined): boolean =>
  state === undefined || (state.covered.length === 0 && state.bookmark === undefined)

/** Between the look at production and the taking of its streams another run may have written to them. */
function assertNothingCameBetween({production}: TestTablesState, {states}: WarehouseWriter): void {
  if (JSON.stringify(states) === JSON.stringify(production)) return
  throw failure('another run wrote to production while the test tables were looked at', {
    code: 'E_PROMOTION_REFUSED',
    next: 'Nothing was written. Run the same command again: it compares with production as it is now.',
  })
}

function changedInProduction(update: number, {productionRuns}: TestTablesState): Error {
  const rows = update === 1 ? '1 row has' : `${update} rows have`
  const [run] = productionRuns
  const by = run === undefined ? 'which was written to' : `to which run ${run.runId} has written`
  return failure(
    `${rows} another value in production, ${by} since the test run began: which one is newer, nobody can tell`,
    {
      code: 'E_PROMOTION_REFUSED',
      next: 'Nothing was written. Keep production’s values with --changed skip, or drop the test tables and test again.',
    },
  )
}

function totalOf(rows: CommitCounts): Counts {
  const counts = noCounts()
  for (const more of rows.values()) addCounts(counts, more)
  return counts
}
