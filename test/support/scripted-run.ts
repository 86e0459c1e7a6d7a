import {join} from 'node:path'

import {createMask, type Mask} from '../../src/base/mask.ts'
import type {HttpClient, Logger} from '../../src/source.ts'
import {HeldWarehouse} from '../../src/run/held-warehouse.ts'
import {runJob} from '../../src/run/run-job.ts'
import type {JobRun, RunReport} from '../../src/run/job-run.ts'
import {setRunMode, type RunMode} from '../../src/model/run-mode.ts'
import {forgetRunMode} from './run-mode.ts'
import {openSink} from '../../src/sink/open-sink.ts'
import type {Diff} from '../../src/sink/diff.ts'
import type {Preview, Sink, SinkOptions} from '../../src/sink/sink.ts'
import {parseDuration} from '../../src/base/time.ts'
import {DuckDBWarehouse} from '../../src/warehouse/duckdb/warehouse.ts'
import type {TableSet} from '../../src/model/tables.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import type {WindowRequest} from '../../src/run/window-request.ts'
import {inProcessSource} from '../../src/sources/box/in-process-source.ts'
import type {Source} from '../../src/source.ts'

export const PRODUCTION: TableSet = {eventLog: 'event_log', rawObjects: 'raw_objects'}
export const TEST: TableSet = {eventLog: 'test_event_log', rawObjects: 'test_raw_objects'}

/** The only stream of a scripted run that names nothing else. */
export const SCOPE = {
  job: 'job',
  account: 'acct1',
  selection: 'all',
  stream: {sourceSystem: 'scripted--acct1', objectType: 'thing'},
}

/** How long a run waits for a process that has the DuckDB file open. No test waits so long unless the machine is busy. */
export const LOCK_TIMEOUT = 120_000

export const silentLog: Logger = {debug: () => {}, info: () => {}, warn: () => {}, error: () => {}}

export interface ScriptedRun {
  readonly source: Source
  /** A folder of the test's own; the DuckDB file is `warehouse.duckdb` in it. */
  readonly folder: string
  readonly mode?: RunMode
  readonly request?: Partial<WindowRequest>
  readonly now?: number
  /** The time that passes during the run, where `now` does not stand still. */
  readonly clock?: () => number
  readonly tables?: TableSet
  readonly job?: string
  readonly account?: string
  readonly selection?: string
  readonly start?: number
  readonly maxRejects?: number
  readonly sweep?: number
  readonly schema?: JobRun['schema']
  readonly sliceIsMaximum?: boolean
  readonly commitAfter?: JobRun['commitAfter']
  readonly signal?: AbortSignal
  readonly log?: Logger
  readonly mask?: Mask
  readonly warehouse?: (real: Warehouse) => Warehouse
  readonly runId?: string
  readonly claim?: string | undefined
  readonly options?: unknown
  readonly lockTimeout?: number
  readonly commitTimeout?: number
  readonly heldBy?: (holder: string | undefined) => void
  readonly http?: HttpClient
  readonly observe?: JobRun['observe']
  /** Asks for a diff with so many rows of each kind. */
  readonly diffSamples?: number
  /** Keeps the commits of a dry run. */
  readonly plan?: SinkOptions['plan']
  readonly hiddenPaths?: readonly string[]
  readonly priced?: (bytes: number) => void
  readonly estimated?: JobRun['estimated']
}

export interface ScriptedResult extends RunReport {
  readonly preview: Preview | undefined
  readonly diff: Diff | undefined
  readonly runId: string
}

export const databaseIn = (folder: string): string => join(folder, 'warehouse.duckdb')

let runs = 0

/** Runs a job in this process through the real sink into a real DuckDB file. */
export async function scriptedRun(run: ScriptedRun): Promise<ScriptedResult> {
  runs += 1
  const runId = run.runId ?? `job-${runs}`
  const signal = run.signal ?? new AbortController().signal
  const spool = join(run.folder, 'spool', runId)
  const startedAt = new Date(run.now ?? Date.now())
  const request: WindowRequest = {full: false, refetch: false, ...run.request}
  const mode = run.mode ?? 'production'
  const held = new HeldWarehouse()
  const sink = openedIn(mode, () =>
    openSink(
      {
        production: run.tables ?? PRODUCTION,
        openWarehouse: () => {
          const real = new DuckDBWarehouse(
            {path: databaseIn(run.folder), temporaryFolder: spool, lockTimeout: run.lockTimeout ?? LOCK_TIMEOUT},
            signal,
            {
              ...(run.commitTimeout !== undefined && {commitTimeout: run.commitTimeout}),
              heldBy: (holder) => {
                held.tell(holder)
                run.heldBy?.(holder)
              },
            },
          )
          return Promise.resolve(run.warehouse?.(real) ?? real)
        },
        folder: spool,
        needsCoverage: request.since === undefined || run.diffSamples !== undefined,
        samples: 3,
        diffSamples: run.diffSamples,
        plan: run.plan,
        hiddenPaths: run.hiddenPaths ?? [],
        ...(run.priced !== undefined && {priced: run.priced}),
      },
      mode,
    ),
  )
  const {defaults} = run.source
  const report = await runJob({
    source: inProcessSource(run.source, {
      http: run.http ?? {request: () => Promise.reject(new Error('no network in this test'))},
      resolvePath: (path) => path,
    }),
    options: run.options ?? {},
    job: run.job ?? 'job',
    account: run.account ?? 'acct1',
    sourceSystem: `scripted--${run.account ?? 'acct1'}`,
    selection: run.selection ?? 'all',
    request,
    runId,
    startedAt,
    claim: run.claim,
    sink,
    // Nothing is kept: each run begins with what its options say.
    secrets: {get: () => Promise.resolve(undefined), update: async (_name, change) => change(undefined)},
    log: run.log ?? silentLog,
    signal,
    maxRejects: run.maxRejects ?? 100,
    schema: run.schema ?? 'evolve',
    askKnown: !request.refetch,
    now: () => new Date(run.clock?.() ?? run.now ?? Date.now()),
    maskSecrets: (run.mask ?? createMask()).apply,
    commitAfter: run.commitAfter ?? {records: 50_000, milliseconds: 300_000},
    start: run.start ?? -Infinity,
    overlap: parseDuration(defaults?.overlap ?? '0s'),
    sweep: run.sweep,
    settle: parseDuration(defaults?.settle ?? '0s'),
    sliceIsMaximum: run.sliceIsMaximum ?? false,
    slice: defaults?.slice === undefined ? undefined : parseDuration(defaults.slice),
    earliest: defaults?.earliest === undefined ? -Infinity : Date.parse(defaults.earliest),
    held,
    planned: () => {},
    estimated: run.estimated ?? (() => {}),
    observe: run.observe ?? (() => {}),
  })
  return {...report, preview: sink.preview(), diff: report.error === undefined ? sink.diff() : undefined, runId}
}

/** Runs of one test may have modes of their own: a mode is asked for when the sink is opened, and never again. */
function openedIn(mode: RunMode, open: () => Sink): Sink {
  setRunMode(mode)
  try {
    return open()
  } finally {
    forgetRunMode()
  }
}
