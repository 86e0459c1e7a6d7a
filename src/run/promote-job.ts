import {failure} from '../base/errors.ts'
import {ownProcess} from '../base/process-identity.ts'
import {addCounts, noCounts, type Counts} from '../model/counts.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import {testTablesOf} from '../model/tables.ts'
import {windowAsText, type TimeWindow} from '../model/window.ts'
import {beginOnProduction} from '../sink/beside-runs.ts'
import type {JsonObject} from '../source.ts'
import type {ChangedRows} from '../warehouse/promotion.ts'
import type {StreamScope, StreamState, WarehouseWriter} from '../warehouse/warehouse.ts'
import type {CommitCounts} from '../warehouse/commit-batch.ts'
import {changesAsPayload} from '../warehouse/schema-events.ts'
import {knownSchema} from './record-shapes.ts'
import {createRunId} from './run-id.ts'
import {assertPromotable, readTestTables, type TestTablesRequest, type TestTablesState} from './test-tables.ts'
import {secondsSince, writeBeside} from './written-beside.ts'

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
  const changed = state.productionRuns.length === 0 ? 'take' : request.changed
  const {update, newer} = state.diff.counts
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
  const tested = state.runs.filter(({commits}) => commits.length > 0)
  const runs = tested.map((run) => run.runId)
  const event = (details: Details): Event => createEvent({...details, runId, at: new Date()})
  const started: JsonObject = {
    job,
    account,
    mode: 'production',
    streams: scopes.map(({stream}) => `${stream.sourceSystem}/${stream.objectType}`),
    request: {},
    process: {...(await ownProcess())},
    promotion: {
      from: testTablesOf(production).rawObjects,
      runs,
      started: tested.map(({startedAt: at}) => new Date(at).toISOString()),
    },
  }
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
      streams: scopes.map(({stream}) => stream),
      announced: state.announced,
      changed,
      runs,
      runId,
      events: (rows) => [
        ...scopes.flatMap((scope, index) => completedEvents(scope, index, state, rows, runs).map(event)),
        ...scopes.flatMap((scope, index) => schemaEvents(scope, index, state, runs).map(event)),
        event({
          type: 'job.completed',
          payload: {job, account, counts: {...totalOf(rows)}, commits: 1, duration_seconds: secondsSince(startedAt)},
        }),
      ],
    })
    return {runId, counts: totalOf(promotion)}
  })
}

/** What the test runs covered, in as few windows as it takes; the rows are told with the first of them. */
function completedEvents(
  {job, account, selection, stream}: StreamScope,
  index: number,
  {test, production}: TestTablesState,
  rows: CommitCounts,
  runs: readonly string[],
): readonly Details[] {
  const {covered = [], bookmark, identity} = test[index] ?? {}
  return covered.map((window: TimeWindow, place) => {
    const counts = noCounts()
    if (place === 0) addCounts(counts, rows.get(stream.objectType) ?? {})
    return {
      type: 'ingestion.completed',
      ...stream,
      discriminator: `promoted ${place}`,
      payload: {
        schema: 1,
        job,
        account,
        selection,
        ...(identity !== undefined && {identity}),
        window: windowAsText(window),
        counts: {...counts},
        limited: false,
        promoted_from: [...runs],
        ...(bookmark !== undefined &&
          isFirstLoad(production[index]) && {
            bookmark: {value: bookmark.value, at: new Date(bookmark.at).toISOString()},
          }),
      },
    }
  })
}

/** What test runs know of the shape of a stream's records is known in production, too, where nothing is yet. */
function schemaEvents(
  {job, account, selection, stream}: StreamScope,
  index: number,
  {test, production}: TestTablesState,
  runs: readonly string[],
): readonly Details[] {
  const told = (test[index]?.schema ?? []).filter(({type}) => type !== 'schema.refused')
  const changes = changesAsPayload(told.flatMap((event) => event.changes))
  if (changes.length === 0 || !knownSchema(production[index]?.schema ?? []).isEmpty) return []
  const payload = {schema: 1, job, account, selection, initial: true, promoted_from: [...runs], changes}
  return [{type: 'schema.changed', ...stream, discriminator: 'promoted', payload}]
}

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
  return failure(
    `${rows} another value in production, to which run ${productionRuns[0]?.runId ?? ''} has written since the test run began: which one is newer, nobody can tell`,
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
