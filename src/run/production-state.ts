import {counted} from '../base/counted.ts'
import {isSameStream} from '../model/stream.ts'
import {isSameJson} from '../base/json-difference.ts'
import {failure} from '../base/errors.ts'
import {mergeWindows, windowAsText, windowFrom, type WindowText} from '../model/window.ts'
import type {TableSet} from '../model/tables.ts'
import type {PlannedCommit, PlannedState, PlanManifest} from '../sink/plan-manifest.ts'
import type {JsonValue, Stream} from '../source.ts'
import type {StreamScope, StreamState, Warehouse} from '../warehouse/warehouse.ts'
import {pastRuns, type PastRun} from './past-runs.ts'

/** Runs of a stream that failed, one after the other, hide nothing as long as they are fewer. */
const NEWEST_RUNS = 1000

/** What production says of streams, and the runs that took them, newest first. */
export interface FoundState {
  readonly state: PlannedState
  readonly runs: readonly PastRun[]
}

/** Reads what production says of streams. Runs that apply `plan` are left out of who wrote last: what they did is expected. */
export async function readProductionState(
  warehouse: Warehouse,
  tables: TableSet,
  scopes: readonly StreamScope[],
  plan?: string,
): Promise<FoundState> {
  const streams = scopes.map(({stream}) => stream)
  const states = await warehouse.readStreamStates(tables, scopes)
  const found = await pastRuns(await warehouse.readRunEvents(tables, {streams, limit: NEWEST_RUNS}))
  const runs = found.toSorted((one, other) => other.place - one.place)
  const others = runs.filter(({applies}) => plan === undefined || applies?.plan !== plan)
  const last = others.find((run) => commitsTo(streams, run) > 0)
  return {
    state: {
      streams: states.map(streamStateOf),
      lastCommit: last === undefined ? null : {runId: last.runId, commits: commitsTo(streams, last)},
      lastUndo: others.find(({undoes, outcome}) => undoes.length > 0 && outcome === 'done')?.runId ?? null,
    },
    runs,
  }
}

/** Gives the state that the first commits of a plan lead to. */
export function stateAfter({madeAgainst, streams}: PlanManifest, commits: readonly PlannedCommit[]): PlannedState {
  const after = madeAgainst.streams.map((stream, index) => {
    const of = streams[index]
    const events = commits
      .flatMap((commit) => commit.events)
      .filter(
        ({event_type: type, source_system: system, object_type: objectType}) =>
          type === 'ingestion.completed' && system === of?.sourceSystem && objectType === of.objectType,
      )
    return events.reduce((state, {payload}) => withCompleted(state, payload ?? {}), stream)
  })
  return {...madeAgainst, streams: after}
}

export const moved = (why: string): Error =>
  failure(`production moved since this plan was made: ${why}`, {
    code: 'E_PLAN_STALE',
    next: 'Nothing of this commit was written. Make a new plan.',
  })

/** Says who changed production; `undefined`: it is what was expected. */
export function whatMoved(expected: PlannedState, {state: found, runs}: FoundState): string | undefined {
  if (found.lastUndo !== expected.lastUndo) return `run ${found.lastUndo ?? 'that was there'} took runs back`
  const {lastCommit} = found
  if (JSON.stringify(lastCommit) !== JSON.stringify(expected.lastCommit)) {
    const run = runs.find(({runId}) => runId === lastCommit?.runId)
    return run === undefined ? 'its event log lost a run' : `run ${run.runId} committed ${writtenBy(run)}`
  }
  const isSame = expected.streams.every((stream, index) => isSameState(stream, found.streams[index]))
  return isSame ? undefined : 'somebody who logged nothing changed what is covered, or a bookmark'
}

function writtenBy({counts: {inserted, updated, unchanged}}: PastRun): string {
  const records = inserted + updated + unchanged
  return counted(records, 'record')
}

function isSameState(
  one: PlannedState['streams'][number],
  other: PlannedState['streams'][number] | undefined,
): boolean {
  if (other === undefined || JSON.stringify(one.covered) !== JSON.stringify(other.covered)) return false
  // The warehouse may write the members of an object in another order.
  return isSameJson(JSON.stringify(one.bookmark), JSON.stringify(other.bookmark))
}

const commitsTo = (streams: readonly Stream[], {commits}: PastRun): number =>
  commits.filter((commit) => streams.some((stream) => isSameStream(stream, commit))).length

const streamStateOf = ({covered, bookmark}: StreamState): PlannedState['streams'][number] => ({
  covered: covered.map(windowAsText),
  bookmark: bookmark === undefined ? null : {value: bookmark.value, at: new Date(bookmark.at).toISOString()},
})

/** Adds what `ingestion.completed` says. */
function withCompleted(
  {covered, bookmark}: PlannedState['streams'][number],
  payload: Readonly<Record<string, unknown>>,
): PlannedState['streams'][number] {
  const {
    limited,
    window,
    bookmark: kept,
  } = payload as {
    readonly limited: boolean
    readonly window: WindowText
    readonly bookmark?: {readonly value: JsonValue; readonly at: string}
  }
  return {
    covered: limited ? covered : mergeWindows([...covered, window].map(windowFrom)).map(windowAsText),
    bookmark: kept ?? bookmark,
  }
}
