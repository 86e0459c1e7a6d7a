import type {Config as CommandLine} from '@oclif/core'

import {failure} from '../base/errors.ts'
import type {Mask} from '../base/mask.ts'
import type {Config} from '../config/config.ts'
import type {Job} from '../config/jobs.ts'
import {contextBetweenSlices} from '../run/source-context.ts'
import type {Logger, Stream} from '../source.ts'
import type {HostContext, HostedSource} from '../sources/box/hosted-source.ts'
import {openSecrets} from '../sources/secrets/open-secrets.ts'

/** A source has so many milliseconds to answer. */
const ANSWER_TIME = 60_000
/** A request gives up before, and says what it asked and whom. */
const REQUEST_TIME = 20_000
const HOUR = 3_600_000

export interface AccountCheck {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly mask: Mask
  readonly log: Logger
  readonly signal: AbortSignal
  /** Called with how far the clock of this machine is ahead of a service's; milliseconds. */
  readonly skewed: (milliseconds: number) => void
}

/** Has something asked of a source outside of a run: nothing is counted or written, and it takes no longer than a person waits. */
export async function withTrial<Answer>(
  {config, commandLine, mask, log, signal, skewed}: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
  ask: (context: HostContext) => Promise<Answer>,
): Promise<Answer> {
  const late = new AbortController()
  const timer = setTimeout(() => {
    const problem = `${source.name} gave no answer within ${ANSWER_TIME / 1000} s`
    late.abort(failure(problem, {code: 'E_SOURCE_FAILED', next: '`--log-level info` shows what it asks for.'}))
  }, ANSWER_TIME)
  const stop = AbortSignal.any([signal, late.signal])
  const account = {account: job.account, job: job.name}
  const refuse = async (): Promise<never> => Promise.reject(new Error('a check must not write records'))
  const context = contextBetweenSlices(
    {
      source,
      options,
      runId: 'doctor',
      sink: {known: () => Promise.resolve(new Set()), upsertObjects: refuse, logEvent: refuse},
      secrets: openSecrets(account, {config, dataDir: commandLine.dataDir, mask, signal: stop}),
      log,
      signal: stop,
      maxRejects: 0,
      askKnown: false,
      now: () => new Date(),
      observe: ({serverTime}) => {
        if (serverTime !== undefined) skewed(Date.now() - serverTime.getTime())
      },
    },
    streamsOf(job, source, options),
    {since: Date.now() - HOUR, until: Date.now()},
  )
  const nothing = (): void => undefined
  try {
    return await ask({...context, requestTime: REQUEST_TIME, progress: nothing, reject: nothing})
  } finally {
    clearTimeout(timer)
  }
}

export const streamsOf = (job: Job, source: HostedSource, options: unknown): readonly Stream[] =>
  source.streams(options).map(({objectType}) => ({sourceSystem: job.sourceSystem, objectType}))
