import {isSameStream, nameOfStream} from '../model/stream.ts'
import {busy, failure, usageError} from '../base/errors.ts'
import {
  TEST_TABLE_START,
  testSetArgument,
  testSetsAmong,
  testTablesOf,
  type ProductionTables,
  type TableSet,
} from '../model/tables.ts'
import {mergeWindows, type TimeWindow} from '../model/window.ts'
import {DiffTally, type Diff} from '../sink/diff.ts'
import type {DescribedTable, StreamScope, StreamState, Warehouse} from '../warehouse/warehouse.ts'
import {assertRowsAreAsAnnounced, type ComparedTables} from '../warehouse/promotion.ts'
import {hasSeeded, pastRuns, type PastCommit, type PastRun} from './past-runs.ts'

/** All runs of test tables are read; of production's those that did something since the first of them, and what was undone. */
const ALL_RUNS = 1_000_000
const NEWEST_RUNS = 10_000
/** Clocks of machines that write one warehouse differ by less; milliseconds. */
const CLOCKS_APART = 24 * 60 * 60 * 1000

export interface TestTablesRequest {
  readonly warehouse: Warehouse
  readonly production: ProductionTables
  readonly scopes: readonly StreamScope[]
  readonly diffSamples: number
  readonly hiddenPaths: readonly string[]
}

/** What runs have left in the test tables for a job, beside production. */
export interface TestTablesState {
  /** Runs that committed to a stream of the job, oldest first; a seed is one, and the first. */
  readonly runs: readonly PastRun[]
  /** Those that have read something. */
  readonly tested: readonly PastRun[]
  readonly test: readonly StreamState[]
  readonly production: readonly StreamState[]
  readonly compared: ComparedTables
  readonly diff: Diff
  /** The number of rows of each object type that the log tells of. */
  readonly announced: ReadonlyMap<string, number>
  /** Runs that committed to the streams in production since the first of the test runs began, promotions of these runs, and what was undone, left out. */
  readonly productionRuns: readonly PastRun[]
  /** What stood in production when the test tables were seeded was taken back there since. */
  readonly isSeedUndone: boolean
  /** Every test run was promoted before. */
  readonly isPromoted: boolean
}

export interface ListedTestTables {
  readonly tables: readonly DescribedTable[]
  /** Newest first. */
  readonly runs: readonly PastRun[]
  /** Missing: the set without a name. */
  readonly testSet?: string
}

/** Lists what is in the set of test tables that goes with these names. */
export async function listTestTables(warehouse: Warehouse, production: ProductionTables): Promise<ListedTestTables> {
  const tables = testTablesOf(production)
  const {tables: described} = await warehouse.describe(tables)
  return {
    tables: described,
    runs: await pastRuns(await warehouse.readRunEvents(tables, {limit: ALL_RUNS})),
    ...(production.testSet !== undefined && {testSet: production.testSet}),
  }
}

/** Lists every set of which a table is there. */
export async function listTestSets(
  warehouse: Warehouse,
  production: ProductionTables,
): Promise<readonly ListedTestTables[]> {
  const listed: ListedTestTables[] = []
  for (const set of testSetsAmong(await warehouse.tablesThatBegin(TEST_TABLE_START), production))
    listed.push(await listTestTables(warehouse, set))
  return listed.filter(({tables}) => tables.some(({exists}) => exists))
}

/** Reads what the test tables hold for a job, and compares it with production. Writes nothing. */
export async function readTestTables(request: TestTablesRequest): Promise<TestTablesState> {
  const {warehouse, production, scopes, diffSamples, hiddenPaths} = request
  const tables = testTablesOf(production)
  const runs = await runsOfStreams(warehouse, tables, scopes)
  if (runs.length === 0) throw nothingTested(scopes, production)
  const tally = new DiffTally({samples: diffSamples, hiddenPaths})
  const streams = scopes.map(({stream}) => stream)
  const compared = await warehouse.compareTables({from: tables, to: production}, streams, {
    isChanged: (row) => tally.isChanged(row),
    insertedSamples: diffSamples,
  })
  tally.add({
    counts: new Map([...compared.byObjectType].map(([type, rows]) => [type, {...rows, duplicate: 0}])),
    inserted: compared.inserted,
  })
  const at = new Date()
  const firstStart = Math.min(...runs.map((run) => byWarehouse(run, run.startedAt)))
  // What a run reads before it commits may be newer than the test run's, whenever it began.
  const isSince = (run: PastRun): boolean =>
    run.commits.some((commit) => isOf(scopes)(commit) && byWarehouse(run, commit.at) >= firstStart)
  const wanted = {streams, limit: NEWEST_RUNS}
  const since = await warehouse.readRunEvents(production, {
    ...wanted,
    heardSince: Math.min(...runs.map(({startedAt}) => startedAt)) - CLOCKS_APART,
  })
  const undone = await warehouse.readRunEvents(production, {...wanted, ended: 'undone'})
  const seen = new Set(since.map(({runId}) => runId))
  const all = await pastRuns([...since, ...undone.filter(({runId}) => !seen.has(runId))])
  const ofProduction = all.filter(isSince)
  const promotions = ofProduction.filter(({promotes}) => promotes.some((id) => runs.some(({runId}) => runId === id)))
  const promoted = promotions.filter(isNotUndone).flatMap(({promotes}) => promotes)
  const tested = runs.filter(({commits, seeds}) => seeds === undefined && commits.length > 0)
  return {
    runs,
    tested,
    test: await warehouse.readStreamStates(tables, scopes),
    production: await warehouse.readStreamStates(production, scopes),
    compared,
    diff: tally.result({table: production.rawObjects, tableExists: true, at, moved: undefined}),
    announced: insertedBy(runs, scopes),
    productionRuns: ofProduction.filter((run) => !promotions.includes(run) && isNotUndone(run)),
    isSeedUndone: runs.some((run) => hasSeeded(run) && isUndoneSince(run, all, scopes)),
    isPromoted: tested.length > 0 && tested.every(({runId}) => promoted.includes(runId)),
  }
}

/** Reads which runs took these streams, or wrote to them, oldest first. */
export async function runsOfStreams(
  warehouse: Warehouse,
  tables: TableSet,
  scopes: readonly StreamScope[],
): Promise<readonly PastRun[]> {
  const streamsOfScopes = scopes.map(({stream}) => stream)
  return (await pastRuns(await warehouse.readRunEvents(tables, {streams: streamsOfScopes, limit: ALL_RUNS})))
    .filter(({commits, streams}) => commits.some(isOf(scopes)) || streams.some((stream) => isNamed(scopes, stream)))
    .toReversed()
}

/** Gives what the test runs have read themselves of a stream; what a seed brought along is production's already. */
export const testedWindows = ({tested}: TestTablesState, scope: StreamScope): readonly TimeWindow[] =>
  mergeWindows(
    tested
      .flatMap(({commits}) => commits)
      .filter((commit) => isOfScope(scope, commit) && !commit.limited)
      .map(({window}) => window),
  )

/** Throws where what the test tables hold must not become production's. */
export function assertPromotable(
  {runs, tested, test, production, announced, compared, isPromoted, isSeedUndone}: TestTablesState,
  scopes: readonly StreamScope[],
): void {
  assertNoTestRun(runs)
  if (tested.length === 0)
    throw usageError('no test run has read anything into these test tables', {
      code: 'E_PROMOTION_REFUSED',
      next: 'Nothing is there to promote yet: lorchestra run JOB --test-table',
    })
  if (isSeedUndone) throw refused('runs whose rows the test tables were seeded with were undone in production since')
  const commits = runs.flatMap((run) => run.commits.filter(isOf(scopes)))
  const foreign = commits.find((commit) => !scopes.some((scope) => isOfScope(scope, commit)))
  if (foreign !== undefined)
    throw refused(
      'the test tables hold rows of this stream that another job, or another selection of this one, has read',
    )
  if (commits.some(({limited, partial}) => limited && partial === undefined))
    throw refused('the test tables hold rows of a run with --limit, which covers nothing')
  const identity = scopes.findIndex((_, index) => {
    const [read, stored] = [test[index]?.identity, production[index]?.identity]
    return read !== undefined && stored !== undefined && read !== stored
  })
  if (identity !== -1)
    throw failure('the test run read the data of somebody else than production holds', {
      code: 'E_IDENTITY_CHANGED',
      next: 'Nothing was written. See whom the account is signed in as: lorchestra doctor.',
    })
  if (isPromoted)
    throw usageError('these test runs were promoted before', {
      code: 'E_PROMOTION_REFUSED',
      next: 'Nothing is left to promote. Drop the test tables: lorchestra test drop',
    })
  assertRowsAreAsAnnounced(
    new Map(
      [...compared.byObjectType].map(([type, {insert, update, newer, unchanged}]) => [
        type,
        insert + update + newer + unchanged,
      ]),
    ),
    announced,
  )
}

/** Throws where one is under way, as far as that can be seen. */
export function assertNoTestRun(runs: readonly PastRun[]): void {
  const open = runs.find(({outcome}) => outcome === 'running' || outcome === 'unknown')
  if (open === undefined) return
  throw busy(`the test run ${open.runId} is under way`, {
    code: 'E_STREAM_BUSY',
    next: 'Wait for it to end, or stop it, and run the same command again.',
  })
}

const refused = (why: string): Error =>
  failure(why, {
    code: 'E_PROMOTION_REFUSED',
    next: 'Nothing was written. Drop them (lorchestra test drop), run with --test-table again, and promote that.',
  })

const nothingTested = (scopes: readonly StreamScope[], production: ProductionTables): Error =>
  usageError(`the test tables hold nothing of ${scopes[0]?.job ?? 'this job'}`, {
    code: 'E_RUN_UNKNOWN',
    next: `Fill them first: lorchestra run ${scopes[0]?.job ?? 'JOB'} --test-table${testSetArgument(production)}`,
  })

const isOf =
  (scopes: readonly StreamScope[]) =>
  (commit: Pick<PastCommit, 'sourceSystem' | 'objectType'>): boolean =>
    scopes.some(({stream}) => isSameStream(stream, commit))

/** Tells whether a run that committed before that seed was taken back after it. */
function isUndoneSince(seed: PastRun, runs: readonly PastRun[], scopes: readonly StreamScope[]): boolean {
  const instant = byWarehouse(seed, seed.startedAt)
  const takenBack = runs
    .filter((run) => byWarehouse(run, run.endedAt ?? Infinity) >= instant)
    .flatMap(({undoes}) => undoes)
  return runs.some(
    (run) =>
      run.outcome === 'undone' &&
      takenBack.includes(run.runId) &&
      run.commits.some((commit) => isOf(scopes)(commit) && byWarehouse(run, commit.at) < instant),
  )
}

/** Gives when that was by the warehouse's own clock, as far as the run was told it: those of machines differ, and are set back. */
const byWarehouse = ({startedAt, warehouseTime = startedAt}: PastRun, at: number): number =>
  at + warehouseTime - startedAt

const isNotUndone = ({outcome}: PastRun): boolean => outcome !== 'undone'

const isNamed = (scopes: readonly StreamScope[], name: string): boolean =>
  scopes.some(({stream}) => nameOfStream(stream) === name)

const isOfScope = ({job, account, selection, stream}: StreamScope, commit: PastCommit): boolean =>
  commit.job === job &&
  commit.account === account &&
  commit.selection === selection &&
  commit.objectType === stream.objectType

function insertedBy(runs: readonly PastRun[], scopes: readonly StreamScope[]): ReadonlyMap<string, number> {
  const rows = new Map<string, number>()
  for (const {seeds = new Map<string, number>()} of runs)
    for (const {stream} of scopes)
      rows.set(stream.objectType, (rows.get(stream.objectType) ?? 0) + (seeds.get(nameOfStream(stream)) ?? 0))
  for (const commit of runs.flatMap(({commits}) => commits).filter(isOf(scopes)))
    rows.set(commit.objectType, (rows.get(commit.objectType) ?? 0) + commit.counts.inserted)
  return rows
}
