import type {Config as CommandLine} from '@oclif/core'

import type {Mask} from '../base/mask.ts'
import {untilAborted} from '../base/waiting.ts'
import type {Config} from '../config/config.ts'
import type {Job} from '../config/jobs.ts'
import {contextBetweenSlices} from '../run/source-context.ts'
import type {Logger, SecretStore} from '../source.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {openSecrets} from '../sources/secrets/open-secrets.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {Answer} from './finding.ts'

/** A service has so many milliseconds to say whose data it holds. */
const ANSWER_TIMEOUT = 30_000

export interface AccountCheck {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly mask: Mask
  readonly log: Logger
  readonly signal: AbortSignal
  /** Called with how far the clock of this machine is ahead of a service's; milliseconds. */
  readonly skewed: (milliseconds: number) => void
}

/** Looks whether the job's account is signed in, and asks its service whose data it holds. */
export async function checkAccount(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
  secrets: SecretStore,
): Promise<Answer> {
  await assertSignedIn(job, source, options, secrets)
  return askWhose(request, job, source, options)
}

async function askWhose(
  {config, commandLine, mask, log, signal, skewed}: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
): Promise<Answer> {
  if (source.check === undefined) return `${source.name} has nothing to ask`
  const stop = AbortSignal.any([signal, AbortSignal.timeout(ANSWER_TIMEOUT)])
  const refuse = async (): Promise<never> => Promise.reject(new Error('a check must not yield records'))
  const context = contextBetweenSlices(
    {
      source,
      options,
      runId: 'doctor',
      sink: {known: () => Promise.resolve(new Set()), upsertObjects: refuse, logEvent: refuse},
      secrets: openSecrets(
        {account: job.account, job: job.name},
        {config, dataDir: commandLine.dataDir, mask, signal: stop},
      ),
      log,
      signal: stop,
      maxRejects: 0,
      askKnown: false,
      now: () => new Date(),
      observe: ({serverTime}) => {
        if (serverTime !== undefined) skewed(Date.now() - serverTime.getTime())
      },
    },
    source.streams(options).map(({objectType}) => ({sourceSystem: job.sourceSystem, objectType})),
  )
  const answer = await untilAborted(source.check(context), stop)
  return answer === undefined
    ? 'answers, and cannot say whose data it is'
    : `answers with the data of ${answer.identity}`
}
