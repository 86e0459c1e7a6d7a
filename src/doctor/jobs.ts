import {findJob} from '../config/jobs.ts'
import {resolvedJob} from '../run/job-scopes.ts'
import {assertCanSweep} from '../run/sweep.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import {checkAccount, examineSharing} from './accounts.ts'
import {examineBookmarks} from './bookmarks.ts'
import {check, failed, type Finding} from './finding.ts'
import {checkReading} from './reading.ts'
import type {AccountCheck} from './trial.ts'

/** Looks at the options of each job, once at the account that it reads, and at what the service makes of the options. */
export async function* examineJobs(request: AccountCheck, names: readonly string[]): AsyncGenerator<Finding> {
  const {config, commandLine, log, mask} = request
  /** Whether each account let itself be asked. */
  const asked = new Map<string, boolean>()
  const boxes = new SourceBoxes(commandLine, config, {log, mask})
  for (const name of names) {
    try {
      const job = findJob(config, name)
      const source = await boxes.sourceOf(job)
      const {secrets, resolved} = await resolvedJob(request, job, source)
      const {options} = resolved
      assertCanSweep({job: name, source, sweep: job.sweep})
      yield {check: 'job', subject: name, status: 'ok', found: `options of ${source.name} are complete`}
      const owner = job.account ?? name
      if (!asked.has(owner)) {
        const kind = job.account === undefined ? 'source' : 'account'
        const finding = await check(kind, owner, async () => checkAccount(request, job, source, options, secrets))
        asked.set(owner, finding.status !== 'failed')
        yield finding
        yield* examineSharing(owner, secrets)
      }
      // Whoever cannot sign in cannot read either.
      if (asked.get(owner) !== true) continue
      yield await check('reading', name, async () => checkReading(request, job, source, options))
      yield* examineBookmarks(request, job, source, resolved)
    } catch (error) {
      yield failed('job', name, error)
    }
  }
}
