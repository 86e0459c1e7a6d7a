import {isSameStream} from '../model/stream.ts'
import {busy, usageError} from '../base/errors.ts'
import {testTablesOf, type ProductionTables} from '../model/tables.ts'
import type {Stream} from '../source.ts'
import type {RunsToUndo, StreamToUndo} from '../warehouse/undo.ts'
import type {WantedRuns} from '../warehouse/wanted-runs.ts'
import type {StreamScope, Warehouse} from '../warehouse/warehouse.ts'
import {pastRuns, type PastCommit, type PastRun} from './past-runs.ts'

/** Former payloads are kept for days, and no stream is read by more runs than these in that time. */
const MOST_RUNS = 10_000

export interface UndoRequest {
  readonly warehouse: Warehouse
  readonly production: ProductionTables
  readonly runId: string
  /** Takes the later runs of the same streams back as well. */
  readonly through: boolean
}

/** An undo takes all of these back or none. */
export interface UndoPlan {
  /** They stand in the order in which they wrote; the one that was asked for comes first. */
  readonly runs: readonly PastRun[]
  readonly rows: RunsToUndo
  /** All that the runs have read. */
  readonly scopes: readonly StreamScope[]
}

/** Reads which runs must be taken back so that a run is. Throws where that must not be done, or was not asked for. */
export async function planUndo({warehouse, production, runId, through}: UndoRequest): Promise<UndoPlan> {
  const read = async (which: Omit<WantedRuns, 'limit'>): Promise<readonly PastRun[]> =>
    pastRuns(await warehouse.readRunEvents(production, {...which, limit: MOST_RUNS}))
  const [wanted = await unknown(warehouse, production, runId)] = await read({runId})
  assertCanBeUndone(wanted)
  if (wanted.applies !== undefined) assertBeganItsPlan(wanted, await read({plan: wanted.applies.plan}))
  const runs = (await withLaterRuns(wanted, read)).toSorted((one, other) => one.place - other.place)
  const open = runs.find(({outcome}) => outcome === 'running')
  if (open !== undefined) throw underWay(open)
  const later = runs.filter((run) => run !== wanted)
  if (later.length > 0 && !through) throw laterRuns(wanted, later)
  const commits = runs.flatMap((run) => run.commits)
  const streams = streamsOf(runs)
  return {
    runs,
    rows: {
      runs: runs.map((run) => ({runId: run.runId, updated: sumOf(run.commits, 'updated')})),
      streams: streams.map((stream) => streamToUndo(stream, runs)),
      insertedAt: instants(insertedAt(runs, await promotionsOfTheSame(runs, read))),
      writtenAt: instants([...runs, ...(await undoneBeside(runs, read))].flatMap(({readAt}) => readAt)),
    },
    scopes: distinct(
      commits.map(({job, account, selection, ...commit}) => ({job, account, selection, stream: streamOf(commit)})),
    ),
  }
}

type ReadRuns = (wanted: Omit<WantedRuns, 'limit'>) => Promise<readonly PastRun[]>

/** Reads later runs of the run's streams, and again where these have other streams as well. */
async function withLaterRuns(wanted: PastRun, read: ReadRuns): Promise<readonly PastRun[]> {
  if (wanted.commits.length === 0) return [wanted]
  for (let streams = streamsOf([wanted]); ;) {
    const later = await read({from: wanted.place, streams})
    if (later.length >= MOST_RUNS) throw tooManyLater(wanted)
    const runs = [...laterRunsAmong(later, wanted)]
    const found = streamsOf(runs)
    if (found.length === streams.length) return runs
    streams = found
  }
}

/** Reads the promotions of test runs that these runs promoted. */
async function promotionsOfTheSame(runs: readonly PastRun[], read: ReadRuns): Promise<readonly PastRun[]> {
  const promoted = distinct(runs.flatMap(({promotes}) => promotes))
  return promoted.length === 0 ? [] : read({promoted})
}

/** Finds what wrote later to a stream of the run, and to a stream of what was found: their windows overlap. */
function laterRunsAmong(all: readonly PastRun[], wanted: PastRun): ReadonlySet<PastRun> {
  const found = new Set([wanted])
  // A set is gone through to its end, and what is added meanwhile too.
  for (const run of found) {
    for (const other of all) {
      if (other.outcome !== 'undone' && other.place > run.place && shareStream(run, other)) found.add(other)
    }
  }
  return found
}

/** An undo leaves what its runs found unchanged as they saw it, so such rows say that a run saw them that counts no more. */
async function undoneBeside(runs: readonly PastRun[], read: ReadRuns): Promise<readonly PastRun[]> {
  const streams = streamsOf(runs)
  if (streams.length === 0) return []
  return (await read({streams, ended: 'undone'})).filter((other) => runs.some((run) => shareStream(run, other)))
}

/** What it wrote was not taken back. */
const hasWritten = ({outcome, commits}: PastRun): boolean => outcome !== 'undone' && commits.length > 0

const shareStream = (one: PastRun, other: PastRun): boolean =>
  one.commits.some((commit) => other.commits.some(isOf(streamOf(commit))))

/**
 * Rows of a run that was promoted before say that they were read in it, although an earlier promotion inserted them. One that
 * broke off has inserted nothing.
 */
function insertedAt(runs: readonly PastRun[], promotions: readonly PastRun[]): readonly number[] {
  const undone = new Set(runs.map(({runId}) => runId))
  const stay = promotions.filter((run) => hasWritten(run) && !undone.has(run.runId))
  const ofThose = new Set(stay.flatMap(({readAt}) => readAt))
  return runs.flatMap(({readAt}) => readAt).filter((at) => !ofThose.has(at))
}

function streamToUndo(stream: Stream, runs: readonly PastRun[]): StreamToUndo {
  const commits = runs.flatMap((run) => run.commits.filter(isOf(stream)))
  const first = runs.find((run) => run.commits.some(isOf(stream)))
  return {
    stream,
    inserted: sumOf(commits, 'inserted'),
    updated: sumOf(commits, 'updated'),
    ...(first?.warehouseTime !== undefined && {takenAt: new Date(first.warehouseTime)}),
  }
}

function assertCanBeUndone({runId, outcome, undoes, commits}: PastRun): void {
  const why =
    outcome === 'undone'
      ? 'was undone before'
      : undoes.length > 0
        ? 'took runs back itself, and that cannot be undone'
        : commits.length === 0 && outcome !== 'running'
          ? 'has committed nothing'
          : undefined
  if (why !== undefined)
    throw usageError(`run ${runId} ${why}`, {
      code: 'E_UNDO_REFUSED',
      next: 'There is nothing to undo. `lorchestra runs list` shows what runs did.',
    })
}

/** Rows of a plan say that they were read at one time, whichever of several runs has applied them. */
function assertBeganItsPlan({runId, place}: PastRun, ofPlan: readonly PastRun[]): void {
  const first = ofPlan.findLast((run) => run.place < place && hasWritten(run))
  if (first === undefined) return
  throw usageError(`run ${first.runId} applied the first part of the plan that run ${runId} went on with`, {
    code: 'E_UNDO_REFUSED',
    next: `Undo both: lorchestra runs undo ${first.runId} --through`,
  })
}

async function unknown(warehouse: Warehouse, production: ProductionTables, runId: string): Promise<never> {
  const ofTest = await warehouse.readRunEvents(testTablesOf(production), {runId, limit: 1})
  if (ofTest.length > 0)
    throw usageError(`run ${runId} is a test run`, {
      code: 'E_UNDO_REFUSED',
      next: 'Test tables are dropped as a whole: lorchestra test drop',
    })
  throw usageError(`there is no run ${JSON.stringify(runId)} in ${production.eventLog}`, {
    code: 'E_RUN_UNKNOWN',
    next: '`lorchestra runs list` names them. A dry run leaves no trace.',
  })
}

const underWay = ({runId}: PastRun): Error =>
  busy(`run ${runId} is under way`, {
    code: 'E_STREAM_BUSY',
    next: 'Wait for it to end, or stop it, and run the same command again.',
  })

function laterRuns({runId}: PastRun, later: readonly PastRun[]): Error {
  const named = later.map((run) => `${run.runId} (${run.counts.inserted} inserted, ${run.counts.updated} updated)`)
  const [count, all] = later.length === 1 ? ['1 later run', 'both'] : [`${later.length} later runs`, 'all of them']
  return usageError(`${count} read the same ${later.length === 1 ? 'stream' : 'streams'}: ${named.join(', ')}`, {
    code: 'E_UNDO_REFUSED',
    next: `Undo ${all}: lorchestra runs undo ${runId} --through`,
  })
}

const tooManyLater = ({runId}: PastRun): Error =>
  usageError(`${MOST_RUNS} runs and more read the same streams since run ${runId}`, {
    code: 'E_UNDO_REFUSED',
    next: 'Nothing was written. Undo a later run first, with --through.',
  })

const streamsOf = (runs: readonly PastRun[]): readonly Stream[] =>
  distinct(runs.flatMap(({commits}) => commits.map(streamOf)))

const streamOf = ({sourceSystem, objectType}: Stream): Stream => ({sourceSystem, objectType})

const isOf =
  (stream: Stream) =>
  (commit: Pick<PastCommit, 'sourceSystem' | 'objectType'>): boolean =>
    isSameStream(commit, stream)

const sumOf = (commits: readonly PastCommit[], kind: 'inserted' | 'updated'): number =>
  commits.reduce((sum, {counts}) => sum + counts[kind], 0)

const instants = (all: readonly number[]): readonly Date[] => [...new Set(all)].map((at) => new Date(at))

const distinct = <Value>(values: readonly Value[]): readonly Value[] => [
  ...new Map(values.map((value) => [JSON.stringify(value), value])).values(),
]
