import {mkdir, statfs} from 'node:fs/promises'
import {resolve} from 'node:path'

import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {failure, LorchestraError, messageWithCauses} from '../base/errors.ts'
import {createHttpClient} from '../sources/http/http-client.ts'
import {resolveOptions, type ResolvedOptions} from '../config/job-options.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {findJob, jobNames, type Job} from '../config/jobs.ts'
import type {Mask} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {contextBetweenSlices} from '../run/source-context.ts'
import {pastRuns} from '../report/past-runs.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {Logger, Source} from '../source.ts'
import {listSources, loadSource} from '../sources/source-plugins.ts'
import {untilAborted} from '../base/waiting.ts'
import {openWarehouse, warehouseName} from '../warehouse/open-warehouse.ts'
import {testTablesOf} from '../model/tables.ts'
import type {Warehouse} from '../warehouse/warehouse.ts'

const CLOCK_TOLERANCE = 10 * 60 * 1000
/** Beyond the first, records may be missed or read late; sources stop runs somewhere beyond the second. */
const CLOCK_SKEW = {warning: 60_000, failed: 5 * 60_000}
const LITTLE_SPACE = 1024 ** 3
const RUNS_LOOKED_AT = 100
const PATIENCE = 30_000

export interface Finding {
  readonly check: string
  readonly subject: string
  readonly status: 'ok' | 'warning' | 'failed'
  readonly found: string
  /** What to do. */
  readonly next?: string
}

export interface DoctorRequest {
  readonly readConfig: () => Promise<Config>
  readonly commandLine: CommandLine
  /** Left out: all jobs. */
  readonly job: string | undefined
  readonly mask: Mask
  readonly log: Logger
  readonly signal: AbortSignal
}

type Answer = string | Pick<Finding, 'status' | 'found' | 'next'>

/** Looks at everything that a run needs, and writes nothing. One check that fails stops no other. */
export async function* examine(request: DoctorRequest): AsyncGenerator<Finding> {
  const {commandLine, job} = request
  yield check('node', process.version, lookAtNode)
  yield check('disk', 'temporary files', async () => lookAtDisk(commandLine.cacheDir))
  const {sources, failures} = await listSources(commandLine)
  for (const {plugin, message, next} of failures) {
    yield {check: 'plugin', subject: plugin, status: 'failed', found: message, next}
  }
  yield check('plugins', 'sources', () => sources.map(({descriptor}) => descriptor.name).join(', ') || 'none')
  let config: Config
  try {
    config = await request.readConfig()
  } catch (error) {
    yield failed('configuration', 'lorchestra.yaml', error)
    return
  }
  yield check('configuration', config.shownPath, () => `jobs: ${config.jobs.size}, accounts: ${config.accounts.size}`)
  yield* examineJobs(request, config, job === undefined ? jobNames(config) : [job])
  yield* examineWarehouse(config)
}

async function* examineJobs(request: DoctorRequest, config: Config, names: readonly string[]): AsyncGenerator<Finding> {
  const asked = new Set<string>()
  const skews: number[] = []
  for (const name of names) {
    try {
      const job = findJob(config, name)
      const source = await loadSource(request.commandLine, job.sourceName)
      const secrets = openSecrets(
        {account: job.account, job: name},
        {config, dataDir: request.commandLine.dataDir, mask: request.mask},
      )
      const resolved = await resolveOptions(job, source, config, request.mask, isStoredIn(secrets))
      yield {check: 'job', subject: name, status: 'ok', found: `options of ${source.name} are complete`}
      const owner = job.account ?? name
      if (asked.has(owner)) continue
      asked.add(owner)
      yield await check(job.account === undefined ? 'source' : 'account', owner, async () => {
        await assertSignedIn(job, source, resolved.options, secrets)
        return askWhose(request, config, job, source, resolved, (skew) => skews.push(skew))
      })
    } catch (error) {
      yield failed('job', name, error)
    }
  }
  const worst = skews.toSorted((a, b) => Math.abs(b) - Math.abs(a))[0]
  if (worst !== undefined) yield check('clock', 'of this machine', () => judgeSkew(worst))
}

function judgeSkew(milliseconds: number): Answer {
  const seconds = Math.round(Math.abs(milliseconds) / 1000)
  const found = `${seconds} s ${milliseconds < 0 ? 'behind' : 'ahead of'} the service that was asked`
  if (Math.abs(milliseconds) <= CLOCK_SKEW.warning)
    return `within ${Math.max(seconds, 1)} s of the services that were asked`
  const status = Math.abs(milliseconds) <= CLOCK_SKEW.failed ? 'warning' : 'failed'
  return {status, found, next: 'Set the clock of this machine: the windows that runs read end by it.'}
}

async function askWhose(
  {commandLine, mask, log, signal}: DoctorRequest,
  config: Config,
  job: Job,
  source: Source,
  {options}: ResolvedOptions,
  measured: (skew: number) => void,
): Promise<Answer> {
  if (source.check === undefined) return `${source.name} has nothing to ask`
  const stop = AbortSignal.any([signal, AbortSignal.timeout(PATIENCE)])
  const refuse = async (): Promise<never> => Promise.reject(new Error('a check must not yield records'))
  const context = contextBetweenSlices(
    {
      source,
      options,
      runId: 'doctor',
      sink: {known: () => Promise.resolve(new Set()), upsertObjects: refuse, logEvent: refuse},
      http: createHttpClient({
        signal: stop,
        log,
        mask,
        answered(headers) {
          const serverTime = Date.parse(headers.get('date') ?? '')
          if (!Number.isNaN(serverTime)) measured(Date.now() - serverTime)
        },
      }),
      secrets: openSecrets(
        {account: job.account, job: job.name},
        {config, dataDir: commandLine.dataDir, mask, signal: stop},
      ),
      log,
      signal: stop,
      maxRejects: 0,
      askKnown: false,
      now: () => new Date(),
      resolvePath: (path) => resolve(config.folder, path),
      observe: () => undefined,
    },
    source.streams(options).map(({objectType}) => ({sourceSystem: job.sourceSystem, objectType})),
  )
  const answer = await untilAborted(source.check(context), stop)
  return answer === undefined
    ? 'answers, and cannot say whose data it is'
    : `answers with the data of ${answer.identity}`
}

async function* examineWarehouse(config: Config): AsyncGenerator<Finding> {
  const {tables} = config.warehouse
  const kind = warehouseName(config.warehouse)
  let warehouse: Warehouse
  try {
    warehouse = await openWarehouse(config.warehouse)
    const {tables: found, streams} = await warehouse.describe(tables)
    for (const {name, exists, rows} of found) {
      yield {check: 'table', subject: name, status: 'ok', found: exists ? `${rows ?? '?'} rows` : 'not there yet'}
    }
    yield check('clock', 'of past runs', () => {
      const latest = Math.max(...streams.flatMap(({covered}) => covered.map(({until}) => until)))
      if (latest <= Date.now() + CLOCK_TOLERANCE) return 'no run read from the future'
      throw failure(`the event log was read up to ${new Date(latest).toISOString()}`, 'Set the clock of this machine.')
    })
  } catch (error) {
    yield failed('warehouse', kind, error)
    return
  }
  yield check('warehouse', kind, async () => {
    await warehouse.checkWritable(tables)
    return 'can be written'
  })
  yield check('test tables', testTablesOf(tables).rawObjects, async () => {
    const {tables: found} = await warehouse.describe(testTablesOf(tables))
    return found.some(({exists}) => exists) ? 'can be read' : 'not there yet; the first test run makes them'
  })
  yield check('keys', tables.rawObjects, async () => {
    const surplus = await warehouse.countSurplusRows(tables)
    if (surplus === 0) return 'none has several rows'
    throw failure(
      `${surplus} rows more than keys`,
      `Remove the surplus rows: SELECT idem_key, COUNT(*) FROM ${tables.rawObjects} GROUP BY idem_key HAVING COUNT(*) > 1.`,
    )
  })
  yield* examineLeases(warehouse, config)
}

async function* examineLeases(warehouse: Warehouse, config: Config): AsyncGenerator<Finding> {
  const runs = await pastRuns(await warehouse.readRunEvents(config.warehouse.tables, {limit: RUNS_LOOKED_AT}))
  for (const {runId, outcome} of runs) {
    if (outcome === 'running') yield {check: 'run', subject: runId, status: 'ok', found: 'is going on'}
    if (outcome === 'unknown')
      yield {check: 'run', subject: runId, status: 'warning', found: 'has not ended, on another machine'}
    if (outcome !== 'died') continue
    yield {
      check: 'run',
      subject: runId,
      status: 'warning',
      found: 'its process is gone without a last word',
      next: 'Nothing to do: the next run of the job takes its streams over.',
    }
  }
}

async function check(name: string, subject: string, look: () => Promise<Answer> | Answer): Promise<Finding> {
  try {
    const answer = await look()
    const found = typeof answer === 'string' ? {status: 'ok' as const, found: answer} : answer
    return {check: name, subject, ...found}
  } catch (error) {
    return failed(name, subject, error)
  }
}

function failed(name: string, subject: string, error: unknown): Finding {
  const next = error instanceof LorchestraError ? error.next : undefined
  return {check: name, subject, status: 'failed', found: messageWithCauses(error), ...(next !== undefined && {next})}
}

function lookAtNode(): Answer {
  assertNodeIsNewEnough()
  return 'new enough'
}

async function lookAtDisk(folder: string): Promise<Answer> {
  await mkdir(folder, {recursive: true, mode: 0o700})
  const {bavail, bsize} = await statfs(folder)
  const gigabytes = ((bavail * bsize) / 1024 ** 3).toFixed(1)
  if (bavail * bsize >= LITTLE_SPACE) return `${gigabytes} GB free in ${folder}`
  return {
    status: 'warning',
    found: `only ${gigabytes} GB free in ${folder}`,
    next: 'Free some space, or point XDG_CACHE_HOME to another disk: a run keeps what it has not committed there.',
  }
}
