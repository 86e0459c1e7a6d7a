import {runSettings} from '../config/job-settings.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import {kindOf} from '../warehouse/kinds.ts'
import {askedJob, type JobQuestion} from './job-scopes.ts'
import type {JobToVerify} from './verify-job.ts'

interface Asked {
  readonly job: string
  readonly limit: number
  /** Milliseconds since 1970. */
  readonly since: number | undefined
}

/** Makes a job ready to be verified: as for a run, but without a sink, and the warehouse stays closed. */
export async function verifyRequest(question: JobQuestion, {job: name, limit, since}: Asked): Promise<JobToVerify> {
  const {config, log, signal} = question
  const {job, source, secrets, resolved} = await askedJob(question, name)
  await assertSignedIn(job, source, resolved.options, secrets)
  const {payloadLimits, commitAfter} = kindOf(config.warehouse)
  return {
    ...runSettings(job, source.defaults),
    source,
    options: resolved.options,
    job: job.name,
    sourceSystem: job.sourceSystem,
    runId: `verify-${job.name}`,
    limit,
    ...(since !== undefined && {since}),
    secrets,
    log,
    signal,
    payloadLimits,
    commitAfter,
    now: () => new Date(),
    observe: () => {},
  }
}
