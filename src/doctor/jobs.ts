import {resolveOptions} from '../config/job-options.ts'
import {findJob} from '../config/jobs.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import {checkAccount, type AccountCheck} from './accounts.ts'
import {check, failed, type Finding} from './finding.ts'

/** Looks at the options of each job, and once at the account that it reads. */
export async function* examineJobs(request: AccountCheck, names: readonly string[]): AsyncGenerator<Finding> {
  const {config, commandLine, log, mask} = request
  const asked = new Set<string>()
  const boxes = new SourceBoxes(commandLine, config, {log, mask})
  for (const name of names) {
    try {
      const job = findJob(config, name)
      const source = await boxes.sourceOf(job)
      const secrets = openSecrets({account: job.account, job: name}, {config, dataDir: commandLine.dataDir, mask})
      const {options} = await resolveOptions(job, source, config, mask, isStoredIn(secrets))
      yield {check: 'job', subject: name, status: 'ok', found: `options of ${source.name} are complete`}
      const owner = job.account ?? name
      if (asked.has(owner)) continue
      asked.add(owner)
      yield await check(job.account === undefined ? 'source' : 'account', owner, async () =>
        checkAccount(request, job, source, options, secrets),
      )
    } catch (error) {
      yield failed('job', name, error)
    }
  }
}
