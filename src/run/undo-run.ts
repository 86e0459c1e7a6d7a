import {failure} from '../base/errors.ts'
import {noCounts} from '../model/counts.ts'
import {createEvent, type EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import {beginOnProduction} from '../sink/beside-runs.ts'
import {UNDO_REQUIRES} from '../warehouse/undone-runs.ts'
import type {UndoneRows} from '../warehouse/undo.ts'
import type {StreamScope} from '../warehouse/warehouse.ts'
import type {PastRun} from './past-runs.ts'
import {createRunId} from './run-id.ts'
import {planUndo, type UndoPlan, type UndoRequest} from './runs-to-undo.ts'
import {endedBeside, secondsSince, startedBeside, writeBeside} from './written-beside.ts'

export interface RunToUndo extends UndoRequest {
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  readonly maskSecrets: (text: string) => string
  /** Hears which runs are taken back, before anything is written. */
  readonly planned: (runs: readonly PastRun[]) => void
}

export interface UndoReport {
  readonly runs: readonly PastRun[]
  readonly streams: readonly UndoneRows[]
  /** `undefined` in a dry run. */
  readonly undone: {readonly runId: string; readonly cursor: number | undefined} | undefined
  readonly seconds: number
}

/** Takes the streams of a run back to before it: rows, coverage, bookmark, rejects and deletions, in one transaction. */
export async function undoRun(request: RunToUndo): Promise<UndoReport> {
  const startedAt = new Date()
  const plan = await planUndo(request)
  const preview = await request.warehouse.findRowsToUndo(request.production, plan.rows)
  request.planned(plan.runs)
  const written = await write(request, plan, startedAt)
  return {
    runs: plan.runs,
    streams: written?.rows ?? preview,
    undone: written && {runId: written.runId, cursor: await cursorOf(request, plan.scopes)},
    seconds: secondsSince(startedAt),
  }
}

async function write(
  request: RunToUndo,
  plan: UndoPlan,
  startedAt: Date,
): Promise<{readonly runId: string; readonly rows: readonly UndoneRows[]} | undefined> {
  const {warehouse, production, mode, maskSecrets} = request
  const [first] = plan.runs
  if (first === undefined) throw new Error('an undo of no run')
  const {job, account} = first
  const runId = createRunId(job, startedAt)
  const event = (details: Omit<EventDetails, 'runId' | 'at'>) => createEvent({...details, runId, at: new Date()})
  const runs = plan.runs.map((run) => run.runId)
  const streams = plan.rows.streams.map(({stream}) => stream)
  const started = await startedBeside(first, 'production', streams, {undo: {runs}})
  const writer = await beginOnProduction({warehouse, production}, mode, {
    runId,
    scopes: streams.map((stream) => ({job, account, selection: '', stream})),
    started: () => event({type: 'job.started', payload: started}),
  })
  if (writer === undefined) return undefined
  const rows = await writeBeside({job, account, startedAt, event, maskSecrets}, writer, async () => {
    assertNothingCameBetween(plan, await planUndo(request))
    return writer.undo({
      ...plan.rows,
      runId,
      events: (undone) => [
        event({
          type: 'run.undone',
          payload: {schema: 1, requires: UNDO_REQUIRES, job, account, runs, streams: undone.map(payloadOf)},
        }),
        event({
          type: 'job.completed',
          payload: endedBeside({job, account, startedAt}, {counts: noCounts(), commits: 0}),
        }),
      ],
    })
  })
  return {runId, rows}
}

const payloadOf = ({stream: {sourceSystem, objectType}, removed, restored}: UndoneRows) => ({
  source_system: sourceSystem,
  object_type: objectType,
  removed,
  restored,
})

/** Between the look at production and the taking of its streams another run may have written to them. */
function assertNothingCameBetween(plan: UndoPlan, now: UndoPlan): void {
  if (JSON.stringify(plan.rows) === JSON.stringify(now.rows)) return
  throw failure('another run wrote to production while the runs were looked at', {
    code: 'E_UNDO_REFUSED',
    next: 'Nothing was written. Run the same command again: it looks at production as it is now.',
  })
}

/** The end of what is covered without a gap, of the stream where that is earliest; `undefined` where one has nothing. */
async function cursorOf(
  {warehouse, production}: RunToUndo,
  scopes: readonly StreamScope[],
): Promise<number | undefined> {
  const states = await warehouse.readStreamStates(production, scopes)
  const ends = states.map(({covered}) => covered[0]?.until ?? -Infinity)
  const earliest = Math.min(...ends)
  return earliest === -Infinity ? undefined : earliest
}
