import {noCounts} from '../model/counts.ts'
import {createEvent, type EventDetails} from '../model/events.ts'
import {tablesOfMode, type RunMode} from '../model/run-mode.ts'
import type {ProductionTables, TableSet} from '../model/tables.ts'
import {beginOnTablesOf} from '../sink/beside-runs.ts'
import type {SurplusOfStream, SurplusRows} from '../warehouse/surplus-rows.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'
import {createRunId} from './run-id.ts'
import {endedBeside, secondsSince, startedBeside, writeBeside} from './written-beside.ts'

/** The log calls the job so that no job of a person has. */
const JOB = 'warehouse_dedupe'

export interface DedupeRequest {
  readonly warehouse: Warehouse
  readonly production: ProductionTables
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  readonly maskSecrets: (text: string) => string
  /** Hears, where reading is billed, what looking for the rows reads, before that. */
  readonly priced: (bytes: number) => void
  /** Hears what was found, before anything is removed. */
  readonly found: (surplus: SurplusRows) => void
}

export interface DedupeReport {
  readonly tables: TableSet
  readonly streams: readonly SurplusOfStream[]
  readonly bytes: number | undefined
  /** The run that removed the rows; `undefined` in a dry run, and where there are none. */
  readonly runId: string | undefined
  readonly seconds: number
}

/** Leaves one row of each key: the one that was seen last. */
export async function dedupeTables(request: DedupeRequest): Promise<DedupeReport> {
  const startedAt = new Date()
  const {read: tables} = tablesOfMode(request.mode, request.production)
  const surplus = await request.warehouse.findSurplusRows(tables, request.priced)
  request.found(surplus)
  const removed = surplus.streams.length === 0 ? undefined : await remove(request, surplus, startedAt)
  return {
    tables,
    streams: removed?.streams ?? surplus.streams,
    bytes: surplus.bytes,
    runId: removed?.runId,
    seconds: secondsSince(startedAt),
  }
}

async function remove(
  {warehouse, production, mode, maskSecrets}: DedupeRequest,
  surplus: SurplusRows,
  startedAt: Date,
): Promise<(Pick<DedupeReport, 'streams'> & {readonly runId: string}) | undefined> {
  const about = {job: JOB, account: null}
  const runId = createRunId(JOB, startedAt)
  const event = (details: Omit<EventDetails, 'runId' | 'at'>) => createEvent({...details, runId, at: new Date()})
  const taken = surplus.streams.map(({stream}) => stream)
  const started = await startedBeside(about, mode, taken, {dedupe: {}})
  const writer = await beginOnTablesOf({warehouse, production}, mode, {
    runId,
    scopes: taken.map((stream) => ({...about, selection: '', stream})),
    started: () => event({type: 'job.started', payload: started}),
  })
  if (writer === undefined) return undefined
  const streams = await writeBeside({...about, startedAt, event, maskSecrets}, writer, async () =>
    writer.removeSurplusRows({
      events: (removed) => [
        event({
          type: 'job.completed',
          payload: {
            ...endedBeside({...about, startedAt}, {counts: noCounts(), commits: 0}),
            dedupe: {streams: removed.map(payloadOf)},
          },
        }),
      ],
    }),
  )
  return {runId, streams}
}

const payloadOf = ({stream: {sourceSystem, objectType}, keys, rows}: SurplusOfStream) => ({
  source_system: sourceSystem,
  object_type: objectType,
  keys,
  removed: rows,
})
