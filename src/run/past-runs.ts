import {nameOfStream} from '../model/stream.ts'
import {z} from 'zod'

import {usageError} from '../base/errors.ts'
import type {Config} from '../config/config.ts'
import {adviseOnJob} from '../config/jobs.ts'
import {addCounts, noCounts, type Counts} from '../model/counts.ts'
import {isAlive, processIdentity} from '../base/process-identity.ts'
import type {PastOutcome} from '../model/past-outcome.ts'
import {testTablesOf, type ProductionTables} from '../model/tables.ts'
import type {WantedRuns} from '../warehouse/wanted-runs.ts'
import type {RunEvent, Warehouse} from '../warehouse/warehouse.ts'
import {mergeWindows, type TimeWindow} from '../model/window.ts'

/** This is what the event log tells of one run. */
export interface PastRun {
  readonly runId: string
  readonly job: string
  readonly account: string | null
  readonly mode: string
  readonly startedAt: number
  readonly endedAt: number | undefined
  readonly outcome: PastOutcome
  readonly error: string | null
  /** The warehouse billed so many bytes for it; `undefined` where it bills nothing, or the run has not ended. */
  readonly bytesBilled: number | undefined
  /** They cover all that was committed. */
  readonly windows: readonly TimeWindow[]
  readonly counts: Counts
  readonly commits: readonly PastCommit[]
  /** The names of the streams that it took. */
  readonly streams: readonly string[]
  /** The test runs whose rows it was to take over, where it is a promotion: one without commits took none. */
  readonly promotes: readonly string[]
  /** The number of rows of each stream that it copied from production, where it is a seed, none where it broke off; `undefined` where it is no seed. */
  readonly seeds: ReadonlyMap<string, number> | undefined
  /** The runs that it was to take back, where it is an undo: one that broke off took none. */
  readonly undoes: readonly string[]
  /** The plan that it applied, and how many commits of it are in. */
  readonly applies: {readonly plan: string; readonly commits: number} | undefined
  /** Its streams were taken at this time of the warehouse's own clock, where that has one. */
  readonly warehouseTime: number | undefined
  /** See `RunEvent`. */
  readonly place: number
  /** Rows that it wrote say that they were read then: at its own start, at those of the runs that it promoted, or when the plan was read. */
  readonly readAt: readonly number[]
}

/** A commit is one `ingestion.completed` event. */
export interface PastCommit {
  readonly sourceSystem: string
  readonly objectType: string
  readonly at: number
  readonly window: TimeWindow
  readonly counts: Counts
  readonly limited: boolean
  readonly job: string
  readonly account: string | null
  readonly selection: string
  /** It holds what came before a checkpoint, what a sweep found, or deletions that were found, and is no whole part of its window. */
  readonly partial?: 'checkpoint' | 'sweep' | 'reconcile' | undefined
}

const startedShape = z.object({
  job: z.string(),
  account: z.string().nullable(),
  mode: z.string(),
  process: processIdentity,
  streams: z.array(z.string()).default([]),
  warehouse_time: z.iso.datetime().optional(),
  promotion: z.object({runs: z.array(z.string()), started: z.array(z.iso.datetime()).default([])}).optional(),
  undo: z.object({runs: z.array(z.string())}).optional(),
  seed: z.object({}).optional(),
  plan: z.object({id: z.string(), read_at: z.iso.datetime()}).optional(),
})

const endedShape = z.object({bytes_billed: z.number().nonnegative()})

const seededShape = z.object({schema: z.literal(1), rows: z.int().nonnegative()})

const completedShape = z.object({
  schema: z.literal(1),
  window: z.object({since: z.iso.datetime().nullable(), until: z.iso.datetime()}),
  counts: z.record(z.string(), z.number()),
  limited: z.boolean(),
  job: z.string(),
  account: z.string().nullable(),
  selection: z.string(),
  partial: z.enum(['checkpoint', 'sweep', 'reconcile']).optional(),
})

/** Reads the runs of the production and the test tables, newest first; up to `wanted.limit` of each. */
export async function readPastRuns(
  warehouse: Warehouse,
  tables: ProductionTables,
  wanted: WantedRuns,
): Promise<readonly PastRun[]> {
  const production = await warehouse.readRunEvents(tables, wanted)
  const test = await warehouse.readRunEvents(testTablesOf(tables), wanted)
  return pastRuns([...production, ...test])
}

/** Throws where neither the file nor the event log, which holds no run of it, knows the job. */
export function assertJobIsKnown(config: Config, name: string): void {
  if (config.jobs.has(name)) return
  throw usageError(`neither ${config.shownPath} nor the event log has a job ${JSON.stringify(name)}`, {
    code: 'E_JOB_UNKNOWN',
    next: adviseOnJob(config, name),
  })
}

/** Puts the runs of these events together, newest first. Events that another tool or a later version wrote are passed over. */
export async function pastRuns(events: readonly RunEvent[]): Promise<readonly PastRun[]> {
  const byRun = new Map<string, RunEvent[]>()
  for (const event of events) {
    const ofRun = byRun.get(event.runId)
    if (ofRun === undefined) byRun.set(event.runId, [event])
    else ofRun.push(event)
  }
  const runs: PastRun[] = []
  for (const ofRun of byRun.values()) {
    const run = await pastRun(ofRun)
    if (run !== undefined) runs.push(run)
  }
  return runs.toSorted((one, other) => other.startedAt - one.startedAt)
}

async function pastRun(events: readonly RunEvent[]): Promise<PastRun | undefined> {
  const started = events.find(({type}) => type === 'job.started')
  const about = startedShape.safeParse(started?.payload)
  if (started === undefined || !about.success) return undefined
  const ended = events.find(({type}) => type === 'job.completed' || type === 'job.failed')
  const commits = events.flatMap((event) => commitFrom(event))
  const counts = noCounts()
  for (const commit of commits) addCounts(counts, commit.counts)
  const {job, account, mode, streams, promotion, undo, seed, plan, warehouse_time: warehouseTime} = about.data
  return {
    runId: started.runId,
    job,
    account,
    mode,
    startedAt: started.at,
    endedAt: ended?.at,
    outcome: started.isUndone ? 'undone' : await outcomeOf(ended, about.data.process),
    error: ended?.error ?? null,
    bytesBilled: endedShape.safeParse(ended?.payload).data?.bytes_billed,
    windows: mergeWindows(commits.filter(({partial}) => partial === undefined).map(({window}) => window)),
    counts,
    commits,
    streams,
    promotes: promotion?.runs ?? [],
    seeds: seed === undefined ? undefined : new Map(events.flatMap(seededBy)),
    undoes: undo?.runs ?? [],
    applies: plan && {plan: plan.id, commits: events.filter(({type}) => type === 'plan.applied').length},
    warehouseTime: warehouseTime === undefined ? undefined : Date.parse(warehouseTime),
    place: started.place,
    readAt: (promotion?.started ?? (plan && [plan.read_at]))?.map((at) => Date.parse(at)) ?? [started.at],
  }
}

async function outcomeOf(
  ended: RunEvent | undefined,
  process: z.infer<typeof processIdentity>,
): Promise<PastRun['outcome']> {
  if (ended === undefined) return fateOf(process)
  return ended.type === 'job.completed' ? 'done' : 'failed'
}

async function fateOf(process: z.infer<typeof processIdentity>): Promise<'running' | 'died' | 'unknown'> {
  const alive = await isAlive(process)
  return alive === undefined ? 'unknown' : alive ? 'running' : 'died'
}

/** Tells a seed that copied rows from one that broke off before. */
export const hasSeeded = ({seeds}: PastRun): boolean => seeds !== undefined && seeds.size > 0

function seededBy(event: RunEvent): readonly (readonly [string, number])[] {
  const parsed = event.type === 'tables.seeded' ? seededShape.safeParse(event.payload) : undefined
  return parsed?.success === true ? [[nameOfStream(event), parsed.data.rows]] : []
}

function commitFrom({type, payload, sourceSystem, objectType, at}: RunEvent): readonly PastCommit[] {
  if (type !== 'ingestion.completed') return []
  const parsed = completedShape.safeParse(payload)
  if (!parsed.success) return []
  const {window, counts, limited, partial, job, account, selection} = parsed.data
  const since = window.since === null ? -Infinity : Date.parse(window.since)
  return [
    {
      sourceSystem,
      objectType,
      at,
      window: {since, until: Date.parse(window.until)},
      counts: {...noCounts(), ...counts},
      limited,
      job,
      account,
      selection,
      partial,
    },
  ]
}
