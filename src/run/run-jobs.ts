import {randomBytes} from 'node:crypto'
import {join, resolve} from 'node:path'
import {setFlagsFromString} from 'node:v8'

import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {outcomeOf, type Outcome} from '../base/errors.ts'
import {createHttpClient} from '../sources/http/http-client.ts'
import {AccountTraffic} from '../sources/http/account-traffic.ts'
import {resolveOptions, type ResolvedOptions} from '../config/job-options.ts'
import {runSettings} from '../config/job-settings.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {expandJobs, findJob, type Job} from '../config/jobs.ts'
import type {Mask} from '../base/log.ts'
import {outcomeOfRun, type FinishedRun, type RunDescription} from './finished-run.ts'
import {runJob} from './run-job.ts'
import type {Notifier, RunObserver, RunProgress} from './run-observer.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import {openSink} from '../sink/open-sink.ts'
import type {Sink} from '../sink/sink.ts'
import type {Logger, SecretStore, Source} from '../source.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import {loadSource} from '../sources/source-plugins.ts'
import {inTurn} from '../base/waiting.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import type {ReadRequest} from './window-request.ts'

export interface RunJobsOptions {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly jobs: readonly string[]
  readonly account: string | undefined
  /** How many jobs run at a time. */
  readonly concurrency: number
  readonly read: ReadRequest
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
  const outcomes: Outcome[] = []
  const traffic = new Map<string, AccountTraffic>()
  const runWaiting = async (): Promise<void> => {
    for (let job = waiting.shift(); job !== undefined && !signal.aborted; job = waiting.shift()) {
      outcomes.push(await outcomeOfJob(options, job, trafficOf(job, traffic)))
    }
  }
  await Promise.all(Array.from({length: concurrency}, runWaiting))
  return outcomes
}

async function outcomeOfJob(options: RunJobsOptions, job: Job, traffic: AccountTraffic): Promise<Outcome> {
  const {observer, notifier} = options
  let run: FinishedRun
  try {
    run = await runOne(options, job, traffic)
  } catch (error) {
    observer.refused(job.name, error)
    await notifier?.refused(job.name, error)
    return outcomeOf(error)
  }
  observer.finished(run)
  await notifier?.finished(run)
  return outcomeOfRun(run.report)
}

/** Jobs of one account share what its service counts. */
function trafficOf({account, sourceName, name}: Job, all: Map<string, AccountTraffic>): AccountTraffic {
  const owner = JSON.stringify([sourceName, account === undefined ? {job: name} : {account}])
  const traffic = all.get(owner) ?? new AccountTraffic()
  all.set(owner, traffic)
  return traffic
}

async function runOne(options: RunJobsOptions, job: Job, traffic: AccountTraffic): Promise<FinishedRun> {
  const {config, commandLine, signal, mask} = options
  const source = await loadSource(commandLine, job.sourceName)
  const secrets = openSecrets(
    {account: job.account, job: job.name},
    {config, dataDir: commandLine.dataDir, mask, signal},
  )
  const resolved = await resolveOptions(job, source, config, mask, isStoredIn(secrets))
  await assertSignedIn(job, source, resolved.options, secrets)
  const streams = sourceAnswer(() => source.streams(resolved.options)).map(
    ({objectType}) => `${job.sourceSystem}/${objectType}`,
  )
  // Jobs of one command that read one stream are not in each other's way, as two commands would be.
  return streams.toSorted().reduceRight(
    (run, stream) => async () => inTurn(stream, signal, run),
    async () => runResolved(options, job, traffic, {source, resolved, secrets}),
  )()
}

async function runResolved(
  options: RunJobsOptions,
  job: Job,
  traffic: AccountTraffic,
  {source, resolved, secrets}: {source: Source; resolved: ResolvedOptions; secrets: SecretStore},
): Promise<FinishedRun> {
  const {config, commandLine, read, signal, log, mask, observer} = options
  const kind = kindOf(config.warehouse)
  const startedAt = new Date()
  const runId = createRunId(job.name, startedAt)
  const folder = join(commandLine.cacheDir, 'spool', runId)
  const sink = openSink({
    production: config.warehouse.tables,
    openWarehouse: async () => openWarehouse(config.warehouse, {temporaryFolder: folder, signal}),
    folder,
    needsCoverage: read.request.since === undefined,
  })
  const description = describe(config, job, sink, read.notes)
  observer.described(description)
  const {unitsPerMinute} = sourceAnswer(() => source.rateLimit?.(resolved.options)) ?? {unitsPerMinute: Infinity}
  traffic.limitTo(unitsPerMinute)
  const observe = (update: RunProgress): void => observer.progressed(description, update)
  const report = await runJob({
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
    sink,
    http: createHttpClient({signal, log, mask, traffic, observe}),
    secrets,
    log,
    signal,
    payloadLimits: kind.payloadLimits,
    askKnown: !read.request.refetch,
    now: () => new Date(),
    resolvePath: (path) => resolve(config.folder, path),
    maskSecrets: mask.apply,
    commitAfter: kind.commitAfter,
    planned: (windows) => observer.planned(description, windows),
    estimated: (estimate) => observer.estimated(description, {...estimate, unitsPerMinute}),
    observe,
  })
  return {
    description,
    runId,
    startedAt,
    seconds: (Date.now() - startedAt.getTime()) / 1000,
    report,
    preview: sink.preview(),
    storedUnknown: sink.tables.read === undefined,
    limited: read.request.limit !== undefined,
  }
}

const describe = (config: Config, job: Job, sink: Sink, notes: readonly string[]): RunDescription => ({
  job: job.name,
  mode: sink.mode,
  warehouse: kindOf(config.warehouse).name,
  written: sink.tables.written,
  source: job.sourceName,
  account: job.account ?? null,
  notes,
})

function createRunId(job: string, startedAt: Date): string {
  const instant = startedAt.toISOString().replaceAll(/[-:T]/g, '').slice(0, 14)
  return `${job}-${instant}-${randomBytes(4).toString('hex')}`
}
