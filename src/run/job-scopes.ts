import type {Config as CommandLine} from '@oclif/core'

import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import {resolveOptions, type ResolvedOptions} from '../config/job-options.ts'
import {runSettings} from '../config/job-settings.ts'
import {findJob, type Job} from '../config/jobs.ts'
import type {Logger} from '../source.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {isStoredIn, openSecrets, type OpenSecrets} from '../sources/secrets/open-secrets.ts'
import {sourceAnswer} from '../sources/source-answer.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import type {StreamScope} from '../warehouse/warehouse.ts'
import {scopesOfGroups, streamGroups} from './stream-groups.ts'

export interface ScopedJob {
  readonly job: Job
  readonly scopes: readonly StreamScope[]
  /** Milliseconds since 1970. */
  readonly start: number
}

export interface JobQuestion {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly log: Logger
  readonly mask: Mask
  readonly signal: AbortSignal
}

export interface AskedJob {
  readonly job: Job
  readonly source: HostedSource
  readonly resolved: ResolvedOptions
  readonly secrets: OpenSecrets
}

/** Starts the box of a job's source, and has it check the job's options; nothing is read. */
export async function askedJob({config, commandLine, log, mask, signal}: JobQuestion, name: string): Promise<AskedJob> {
  const job = findJob(config, name, {})
  const source = await new SourceBoxes(commandLine, config, {log, mask}).sourceOf(job)
  return {job, source, ...(await resolvedJob({config, commandLine, mask, signal}, job, source))}
}

/** Opens the secrets of a job, and has its source check its options. */
export async function resolvedJob(
  {config, commandLine, mask, signal}: Omit<JobQuestion, 'log'>,
  job: Job,
  source: HostedSource,
): Promise<Pick<AskedJob, 'resolved' | 'secrets'>> {
  const secrets = openSecrets(
    {account: job.account, job: job.name},
    {config, dataDir: commandLine.dataDir, mask, signal},
  )
  return {secrets, resolved: await resolveOptions(job, source, config, mask, isStoredIn(secrets))}
}

/** Asks the source of a job which streams it reads, and with what selection; nothing is read. */
export async function scopesOf(question: JobQuestion, name: string): Promise<ScopedJob> {
  const asked = await askedJob(question, name)
  return scopesOfJob(asked.job, asked)
}

/** Gives the streams that a job reads whose source was asked. */
export function scopesOfJob(job: Job, {source, resolved}: Pick<AskedJob, 'source' | 'resolved'>): ScopedJob {
  const {options} = resolved
  const groups = streamGroups(
    sourceAnswer(() => source.streams(options)),
    job.sourceSystem,
    resolved.selectionHash,
  )
  return {
    job,
    scopes: scopesOfGroups({job: job.name, account: job.account ?? null}, groups),
    start: runSettings(job, source.defaults).start,
  }
}
