import {untilAborted} from '../base/waiting.ts'
import type {Job} from '../config/jobs.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import type {OpenSecrets} from '../sources/secrets/open-secrets.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {Answer} from './finding.ts'
import {withTrial, type AccountCheck} from './trial.ts'

/** Looks whether the job's account is signed in, and asks its service whose data it holds. */
export async function checkAccount(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
  secrets: OpenSecrets,
): Promise<Answer> {
  await assertSignedIn(job, source, options, secrets)
  return askWhose(request, job, source, options)
}

async function askWhose(request: AccountCheck, job: Job, source: HostedSource, options: unknown): Promise<Answer> {
  if (source.check === undefined) return `${source.name} has nothing to ask`
  const answer = await withTrial(request, job, source, options, async (context) =>
    source.check === undefined ? undefined : untilAborted(source.check(context), context.signal),
  )
  return answer === undefined
    ? 'answers, and cannot say whose data it is'
    : `answers with the data of ${answer.identity}`
}
