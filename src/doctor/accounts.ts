import {untilAborted} from '../base/waiting.ts'
import type {Job} from '../config/jobs.ts'
import {claimIn} from '../model/claim.ts'
import {namesTask} from '../model/task.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import type {OpenSecrets} from '../sources/secrets/open-secrets.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import type {Answer, Finding} from './finding.ts'
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

/** Warns where an engine runs jobs as tasks, which have the stored secrets of this machine only if they share its folder. */
export async function* examineSharing(owner: string, secrets: OpenSecrets): AsyncGenerator<Finding> {
  if (!namesTask(process.env) && claimIn(process.env) === undefined) return
  const stored = await secrets.names()
  if (stored.length === 0) return
  yield {
    check: 'tasks',
    subject: owner,
    status: 'warning',
    found: `${stored.join(', ')} of ${owner} is stored in a file of this machine, and the environment says that jobs run as tasks`,
    next: 'Tasks on other machines lack it, and where its service exchanges it for a new one at each use, theirs is dead: have all tasks share the folder (XDG_DATA_HOME) on one volume, or use credentials that are no sign-in.',
  }
}
