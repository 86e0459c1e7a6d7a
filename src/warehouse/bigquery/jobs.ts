import {randomUUID} from 'node:crypto'

import * as z from 'zod'

import {failure} from '../../base/errors.ts'
import {pause} from '../../base/waiting.ts'
import type {Connection, ServiceRequest} from './connection.ts'
import {describeEntry, isDuplicate, isNotFound, isTableThere, isTransient, ServiceError} from './service-error.ts'

const errorEntry = z.object({
  reason: z.string().optional(),
  location: z.string().optional(),
  message: z.string().optional(),
})
const jobShape = z.object({
  jobReference: z.object({jobId: z.string(), location: z.string().optional()}),
  // An answer without it is one of a job that is still to be asked for.
  status: z
    .object({state: z.string(), errorResult: errorEntry.optional(), errors: z.array(errorEntry).optional()})
    .default({state: 'PENDING'}),
  statistics: z.object({query: z.object({totalBytesBilled: z.string().optional()}).optional()}).optional(),
})

export type Job = z.infer<typeof jobShape>

export interface JobToRun {
  /** The id is deterministic, and unique for what the job does. An attempt's number is added. */
  readonly id: string
  readonly configuration: object
  /** They hold NDJSON, which is sent with the job. */
  readonly files?: readonly string[]
  readonly what: string
  /** Ends waiting for it, not the job. */
  readonly signal?: AbortSignal
  /** It is called with the bytes that a job billed when that is done, also where it failed. */
  readonly billed?: (bytes: number) => void
  /** At most so many jobs are made; how often each is submitted does not count. */
  readonly attempts?: number
}

const ATTEMPTS = 6
const SUBMISSIONS = 8
/** After so many milliseconds, and three of them, no further submission is begun. */
const SUBMITTING = 5 * 60 * 1000
const FEWEST_SUBMISSIONS = 3
const FIRST_POLL = 50
const LONGEST_POLL = 3000

/**
 * Runs a job to its end. Where it is unclear whether a submission arrived, its id tells; only a job that the service
 * itself gave up gets another id, so nothing is done twice.
 */
export async function runJob(connection: Connection, toRun: JobToRun): Promise<Job> {
  for (let attempt = 1; ; attempt += 1) {
    const job = await finished(connection, toRun, await submitted(connection, toRun, `${toRun.id}-a${attempt}`))
    toRun.billed?.(Number(job.statistics?.query?.totalBytesBilled ?? 0))
    const failed = failureOf(job, toRun.what)
    if (failed === undefined) return job
    if (attempt === (toRun.attempts ?? ATTEMPTS) || !isTransient(failed)) throw failed
    await pause(connection.pauseBefore(attempt + 2), toRun.signal)
  }
}

async function submitted(connection: Connection, toRun: JobToRun, jobId: string): Promise<Job> {
  const {what, files, configuration, signal} = toRun
  const job = {
    jobReference: connection.jobReference(jobId),
    configuration: {...configuration, ...connection.jobSettings},
  }
  const startedAt = performance.now()
  for (let submission = 1; ; submission += 1) {
    let failed: unknown
    try {
      const answer =
        files === undefined
          ? await connection.requestOnce({method: 'POST', path: '/jobs', body: job, what, signal})
          : await connection.upload({job, files, what})
      return jobShape.parse(answer)
    } catch (error) {
      failed = error
      if (isTableThere(error) || (!isDuplicate(error) && !isTransient(error))) throw error
    }
    const there = await findJob(connection, jobId, toRun)
    if (there !== undefined) return there
    const milliseconds = performance.now() - startedAt
    const enough = submission === SUBMISSIONS || (submission >= FEWEST_SUBMISSIONS && milliseconds > SUBMITTING)
    if (enough && isDuplicate(failed)) throw jobHidden(jobId, failed)
    if (enough) throw files === undefined ? failed : uploadBroken(failed, submission, milliseconds)
    await pause(connection.pauseBefore(submission), signal)
  }
}

/** It may have run, or run still: nothing that it would do may be done by another one. */
const jobHidden = (jobId: string, cause: unknown): Error =>
  failure(`BigQuery says that the job ${jobId} is there, and does not find it when it is asked for`, {
    code: 'E_WAREHOUSE_FAILED',
    next: 'Set warehouse.location in lorchestra.yaml to where the dataset is, see in the console (Jobs explorer) whether the job ran, and run the same command again.',
    cause,
  })

const uploadBroken = (cause: unknown, tries: number, milliseconds: number): Error =>
  failure(`the upload to BigQuery failed ${tries} times in ${Math.round(milliseconds / 1000)} seconds`, {
    code: 'E_WAREHOUSE_UNREACHABLE',
    next: 'Look what ends uploads between this machine and BigQuery (a proxy, a firewall, a line that breaks), then run the same command again.',
    cause,
  })

async function findJob(connection: Connection, jobId: string, {what, signal}: JobToRun): Promise<Job | undefined> {
  try {
    return jobShape.parse(
      await connection.request({method: 'GET', path: `/jobs/${jobId}`, query: inLocation(connection), what, signal}),
    )
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

async function finished(connection: Connection, toRun: JobToRun, submittedJob: Job): Promise<Job> {
  let job = submittedJob
  const {jobId, location} = job.jobReference
  const {what, signal} = toRun
  for (let interval = FIRST_POLL; job.status.state !== 'DONE'; interval = Math.min(interval * 1.5, LONGEST_POLL)) {
    await pause(interval, signal)
    const query = location === undefined ? inLocation(connection) : {location}
    job = jobShape.parse(await connection.request({method: 'GET', path: `/jobs/${jobId}`, query, what, signal}))
  }
  return job
}

function failureOf({jobReference: {jobId}, status: {errorResult, errors = []}}: Job, what: string): Error | undefined {
  if (errorResult === undefined) return undefined
  const {reason, note} = describeEntry(errorResult, 'no reason given')
  const places = errors.map(({location: place}) => place ?? '').filter((place) => place !== '')
  const all = [...new Set([note, ...places.slice(0, 3)])].filter((part) => part !== '').join(', ')
  return new ServiceError({what, reason, note: `job ${jobId}${all === '' ? '' : `, ${all}`}`})
}

/**
 * Has the service look at a job without running it: it tells what the job would read, and refuses one that may not be run. Nothing
 * is billed or written.
 */
export const tryJob = async (
  connection: Connection,
  configuration: object,
  asking: Pick<ServiceRequest, 'what' | 'signal' | 'asksOnly'>,
): Promise<unknown> =>
  connection.request({
    method: 'POST',
    path: '/jobs',
    body: {
      jobReference: connection.jobReference(`lorchestra-check-${randomUUID()}`),
      configuration: {...configuration, ...connection.jobSettings, dryRun: true},
    },
    ...asking,
  })

export const inLocation = ({location}: Connection): Readonly<Record<string, string>> =>
  location === undefined ? {} : {location}
