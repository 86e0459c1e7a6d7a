import {nameOfStream} from '../model/stream.ts'
import {join} from 'node:path'
import {setFlagsFromString} from 'node:v8'

import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {outcomeOf, usageError, type Outcome} from '../base/errors.ts'
import {formatError} from '../base/error-output.ts'
import {formatSpan} from '../base/span.ts'
import type {LogLevel} from '../base/log.ts'
import type {ResolvedOptions} from '../config/job-options.ts'
import {runSettings} from '../config/job-settings.ts'
import {expandJobs, findJob, type Job} from '../config/jobs.ts'
import type {Mask} from '../base/mask.ts'
import {outcomeOfRun, type FinishedRun, type RunDescription} from './finished-run.ts'
import {HeldWarehouse} from './held-warehouse.ts'
import {resolvedJob, scopesOfJob} from './job-scopes.ts'
import {streamGroups} from './stream-groups.ts'
import {assertReadsTheSame} from './read-again.ts'
import {createRunId} from './run-id.ts'
import {runJob} from './run-job.ts'
import type {RunReport} from './job-run.ts'
import {keepRunLog, pruneRunLogs, runLogFolder, type RunLog} from './run-log.ts'
import type {Notifier, RunObserver, RunProgress} from './run-observer.ts'
import type {PlanToSave} from './save-plan.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import {openSink, opensWarehouse} from '../sink/open-sink.ts'
import type {Sink, SinkOptions} from '../sink/sink.ts'
import type {Claim} from '../model/claim.ts'
import {formatWindow, type TimeWindow} from '../model/window.ts'
import {writesProduction, type RunMode} from '../model/run-mode.ts'
import type {Logger, SecretStore} from '../source.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import {inTurn} from '../base/waiting.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {openWarehouse, outsideOfRuns} from '../warehouse/open-warehouse.ts'
import type {ReadRequest} from './window-request.ts'

export interface RunJobsOptions {
  readonly config: Config
  readonly commandLine: CommandLine
  /** The mode that the command read from its own flags. */
  readonly mode: RunMode
  readonly jobs: readonly string[]
  readonly account: string | undefined
  /** Records that a dry run shows. */
  readonly samples: number
  /** Rows of each kind that a diff shows; `undefined`: no diff. */
  readonly diffSamples: number | undefined
  /** Keeps what a dry run of one job would do, to be applied. */
  readonly out?: PlanToSave | undefined
  /** How many jobs run at a time. */
  readonly concurrency: number
  readonly read: ReadRequest
  /** That of this process, if it has one. */
  readonly claim: Claim | undefined
  readonly signal: AbortSignal
  readonly log: Logger
  readonly mask: Mask
  readonly observer: RunObserver
  readonly notifier: Notifier | undefined
}

/** Runs up to `concurrency` jobs at a time. A job that fails does not stop the others, a signal does. */
export async function runJobs(options: RunJobsOptions): Promise<readonly Outcome[]> {
  // V8 would double the room for new objects as more and more pages pass through, to three times 32 MB (measured: a third
  // more memory, no less work). As much as starting up took is enough for one page at a time.
  setFlagsFromString('--semi-space-growth-factor=1')
  const {config, account, concurrency, signal} = options
  // All names are looked up first: a misspelt one must not be found after its neighbour has written.
  const waiting = expandJobs(config, options.jobs).map((name) =>
    findJob(config, name, account === undefined ? {} : {account}),
  )
  if (options.out !== undefined && waiting.length > 1) throw onePlanOneJob(waiting.length)
  const outcomes: Outcome[] = []
  pruneRunLogs(options.commandLine.dataDir, Date.now(), options.log)
  const boxes = new SourceBoxes(options.commandLine, config, {log: options.log, mask: options.mask})
  const runWaiting = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined && !signal.aborted; job = waiting.shift()) {
      outcomes.push(await outcomeOfJob(options, job, boxes))
    }
  }
  await Promise.all(Array.from({length: concurrency}, runWaiting))
  return outcomes
}

async function outcomeOfJob(options: RunJobsOptions, job: Job, boxes: SourceBoxes): Promise<Outcome> {
  const {observer, notifier} = options
  let run: FinishedRun
  try {
    run = await runOne(options, job, boxes)
  } catch (error) {
    observer.refused(job.name, error)
    await notifier?.refused(job.name, error)
    return outcomeOf(error)
  }
  observer.finished(run)
  await notifier?.finished(run)
  return outcomeOfRun(run.report)
}

async function runOne(options: RunJobsOptions, job: Job, boxes: SourceBoxes): Promise<FinishedRun> {
  const [source] = await Promise.all([boxes.sourceOf(job), loadWarehouse(options)])
  if (source.spawns && !writesProduction(options.mode))
    options.log.warn(
      `${job.name} reads a source that starts processes (allow: [spawn]): lorchestra itself writes no production, but cannot keep what is started from writing anywhere`,
    )
  const {secrets, resolved} = await resolvedJob(options, job, source)
  await assertSignedIn(job, source, resolved.options, secrets)
  const groups = streamGroups(
    sourceAnswer(() => source.streams(resolved.options)),
    job.sourceSystem,
    resolved.selectionHash,
  )
  const {again} = options.read.request
  if (again !== undefined) assertReadsTheSame(again, {sourceSystem: job.sourceSystem, groups})
  const streams = groups.flatMap((group) => group.streams.map(nameOfStream))
  // Jobs of one command that read one stream are not in each other's way, as two commands would be.
  return streams.toSorted().reduceRight(
    (run, stream) => async () => inTurn(stream, options.signal, run),
    async () => runOrPlan(options, job, {source, resolved, secrets}),
  )()
}

interface ReadyJob {
  readonly source: HostedSource
  readonly resolved: ResolvedOptions
  readonly secrets: SecretStore
}

async function runOrPlan(options: RunJobsOptions, job: Job, ready: ReadyJob): Promise<FinishedRun> {
  const {out, config, commandLine, signal, mask} = options
  if (out === undefined) return runResolved(options, job, ready)
  const [{savePlan}, warehouse] = await Promise.all([
    import('./save-plan.ts'),
    openWarehouse(config.warehouse, outsideOfRuns(signal)),
  ])
  const {scopes} = scopesOfJob(job, ready)
  const {version} = commandLine
  const request = {out, version, settings: config.warehouse, warehouse, scopes, maskSecrets: mask.apply}
  return savePlan(request, async (plan) => runResolved(options, job, ready, plan))
}

const onePlanOneJob = (jobs: number): Error =>
  usageError(`a plan is of one job, and these are ${jobs}`, {
    code: 'E_USAGE_FLAGS',
    next: 'Make a plan for each of them: lorchestra run JOB --dry-run --diff --out FILE',
  })

/** The box starts in a process of its own; meanwhile this one loads what it needs next. */
async function loadWarehouse(options: RunJobsOptions): Promise<void> {
  const {config, mode} = options
  const {warehouse} = config
  const sink = {production: warehouse.tables, needsCoverage: needsCoverage(options)}
  if (opensWarehouse(sink, mode)) await kindOf(warehouse).load()
}

const needsCoverage = ({read, diffSamples}: RunJobsOptions): boolean =>
  read.request.since === undefined || diffSamples !== undefined

async function runResolved(
  options: RunJobsOptions,
  job: Job,
  {source, resolved, secrets}: ReadyJob,
  plan?: SinkOptions['plan'],
): Promise<FinishedRun> {
  const {config, commandLine, read, signal, mask, observer} = options
  const kind = kindOf(config.warehouse)
  const startedAt = new Date()
  const runId = createRunId(job.name, startedAt)
  const folder = join(commandLine.cacheDir, 'spool', runId)
  const held = new HeldWarehouse()
  const kept = keepRunLog({folder: runLogFolder(commandLine.dataDir, config.path), runId, mask, log: options.log})
  const {log} = kept
  const heldBy = (holder: string | undefined): void => {
    if (holder !== undefined && !held.isHeld)
      log.warn(`${job.name} waits for ${holder} to close the database; what is read is kept until then`)
    held.tell(holder)
    observer.progressed(description, {heldBy: holder ?? null})
  }
  const sink = openSink(
    {
      production: config.warehouse.tables,
      openWarehouse: async () => openWarehouse(config.warehouse, {temporaryFolder: folder, signal, heldBy}),
      folder,
      needsCoverage: needsCoverage(options),
      samples: options.samples,
      diffSamples: options.diffSamples,
      priced: (bytes) => observer.priced(description, bytes),
      plan,
      hiddenPaths: job.hiddenPaths,
    },
    options.mode,
  )
  const description = describe(config, job, sink, read.notes)
  observer.described(description)
  log.info(`${job.name}: run ${runId} begins`, {mode: sink.mode, source: job.sourceName, account: job.account})
  const {unitsPerMinute} = sourceAnswer(() => source.rateLimit?.(resolved.options)) ?? {unitsPerMinute: Infinity}
  const observe = (update: RunProgress): void => observer.progressed(description, update)
  const report = await endingItsLog(kept, async () =>
    runJob({
      ...runSettings(job, source.defaults),
      source,
      options: resolved.options,
      job: job.name,
      account: job.account ?? null,
      sourceSystem: job.sourceSystem,
      selection: resolved.selectionHash,
      request: read.request,
      runId,
      startedAt,
      claim: options.claim,
      sink,
      secrets,
      log,
      signal,
      payloadLimits: kind.payloadLimits,
      askKnown: !read.request.refetch,
      now: () => new Date(),
      maskSecrets: mask.apply,
      commitAfter: kind.commitAfter,
      held,
      planned: (windows) => {
        log.info(`${job.name}: reads ${formatWindows(windows)}`)
        observer.planned(description, windows)
      },
      estimated: (estimate) => observer.estimated(description, {...estimate, unitsPerMinute}),
      observe,
    }),
  )
  const seconds = (Date.now() - startedAt.getTime()) / 1000
  kept.end(...lastWords(report, seconds))
  return {
    description,
    runId,
    startedAt,
    seconds,
    report,
    preview: sink.preview(),
    diff: report.error === undefined ? sink.diff() : undefined,
    storedUnknown: sink.tables.read === undefined,
    limited: read.request.limit !== undefined,
  }
}

/** What a run throws, it threw before it began. */
async function endingItsLog(kept: RunLog, run: () => Promise<RunReport>): Promise<RunReport> {
  try {
    return await run()
  } catch (error) {
    kept.end('error', formatError(error))
    throw error
  }
}

/** Says how a run ended; those who look on hear it otherwise. */
function lastWords({error, counts, commits}: RunReport, seconds: number): [LogLevel, readonly string[]] {
  const all = Object.entries(counts).filter(([, count]) => count > 0)
  const what = all.map(([name, count]) => `${name}=${count}`).join(' ')
  const end =
    `ended after ${formatSpan(seconds * 1000)} with ${commits} ${commits === 1 ? 'commit' : 'commits'} ${what}`.trimEnd()
  return error === undefined ? ['info', [end]] : ['error', [...formatError(error), end]]
}

const formatWindows = (windows: readonly TimeWindow[]): string =>
  windows.length === 0 ? 'nothing: there is nothing new' : windows.map(formatWindow).join('; ')

const describe = (config: Config, job: Job, sink: Sink, notes: readonly string[]): RunDescription => ({
  job: job.name,
  mode: sink.mode,
  warehouse: kindOf(config.warehouse).name,
  written: sink.tables.written,
  source: job.sourceName,
  account: job.account ?? null,
  notes,
})
