import {usageError} from '../base/errors.ts'
import {noCounts} from '../model/counts.ts'
import {createEvent, type Event, type EventDetails} from '../model/events.ts'
import type {RunMode} from '../model/run-mode.ts'
import {testTablesOf} from '../model/tables.ts'
import {beginOnTestTables} from '../sink/beside-runs.ts'
import {seededTooLate, type RowsToSeed, type SeedEstimate} from '../warehouse/seed.ts'
import type {StreamScope, StreamState} from '../warehouse/warehouse.ts'
import {hasSeeded} from './past-runs.ts'
import {createRunId} from './run-id.ts'
import {coverageEvents, shapeEvents} from './taken-over-events.ts'
import {assertNoTestRun, runsOfStreams, type TestTablesRequest} from './test-tables.ts'
import {endedBeside, secondsSince, startedBeside, writeBeside} from './written-beside.ts'

type Details = Omit<EventDetails, 'runId' | 'at'>

export interface SeedRequest extends Pick<TestTablesRequest, 'warehouse' | 'production' | 'scopes'> {
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  readonly maskSecrets: (text: string) => string
  /** Called before anything is copied. */
  readonly estimated: (estimate: SeedEstimate) => void
}

export interface SeedReport {
  readonly estimate: SeedEstimate
  /** `undefined` in a dry run. */
  readonly seeded: {readonly runId: string; readonly rows: RowsToSeed} | undefined
  readonly seconds: number
}

/**
 * Fills the test tables with production's rows of a job and with what is covered of them, so that the next test run reads what a
 * run in production would read, and meets what that would meet.
 */
export async function seedJob(request: SeedRequest): Promise<SeedReport> {
  const {warehouse, production, scopes, estimated} = request
  const startedAt = new Date()
  const runs = await runsOfStreams(warehouse, testTablesOf(production), scopes)
  assertNoTestRun(runs)
  if (runs.some((run) => run.commits.length > 0 || hasSeeded(run)))
    throw seededTooLate('what other runs have left of these streams')
  const streams = scopes.map(({stream}) => stream)
  const estimate = await warehouse.estimateSeed(production, streams)
  if ([...estimate.rows.values()].every((rows) => rows === 0)) throw nothingToCopy(scopes)
  estimated(estimate)
  const seeded = await write(request, startedAt)
  return {estimate, seeded, seconds: secondsSince(startedAt)}
}

async function write(
  {warehouse, production, scopes, mode, maskSecrets}: SeedRequest,
  startedAt: Date,
): Promise<SeedReport['seeded']> {
  const [first] = scopes
  if (first === undefined) throw new Error('a job without streams')
  const {job, account} = first
  const runId = createRunId(job, startedAt)
  const event = (details: Details): Event => createEvent({...details, runId, at: new Date()})
  const streams = scopes.map(({stream}) => stream)
  const started = await startedBeside(first, mode, streams, {seed: {from: production.rawObjects}})
  const writer = await beginOnTestTables({warehouse, production}, mode, {
    runId,
    scopes,
    started: () => event({type: 'job.started', payload: started}),
  })
  if (writer === undefined) return undefined
  return writeBeside({job, account, startedAt, event, maskSecrets}, writer, async () => {
    // Before the rows, so that nothing is called covered whose rows are not there; and after the beginning of this run, so that
    // a promotion sees what is undone later.
    const states = await warehouse.readStreamStates(production, scopes)
    const rows = await writer.seed({
      from: production,
      streams,
      events: (copied) => [
        ...scopes.flatMap((scope, index) => seedEvents(scope, states[index], copied, production.rawObjects).map(event)),
        event({
          type: 'job.completed',
          payload: endedBeside({job, account, startedAt}, {counts: noCounts(), commits: 1}),
        }),
      ],
    })
    return {runId, rows}
  })
}

function seedEvents(
  scope: StreamScope,
  state: StreamState | undefined,
  rows: RowsToSeed,
  from: string,
): readonly Details[] {
  const {job, account, stream} = scope
  const origin = {word: 'seeded', payload: {seeded_from: from}}
  return [
    {
      type: 'tables.seeded',
      ...stream,
      payload: {schema: 1, job, account, from, rows: rows.get(stream.objectType) ?? 0},
    },
    ...(state === undefined ? [] : coverageEvents(scope, state, {}, origin)),
    ...shapeEvents(scope, state?.schema ?? [], origin),
  ]
}

const nothingToCopy = (scopes: readonly StreamScope[]): Error =>
  usageError(`production holds no rows of ${scopes[0]?.job ?? 'this job'}, so there is nothing to seed`, {
    code: 'E_SEED_REFUSED',
    next: 'A test run reads from the start without it: lorchestra run JOB --test-table',
  })
