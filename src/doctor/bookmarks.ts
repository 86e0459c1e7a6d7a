import {messageWithCauses} from '../base/errors.ts'
import {untilAborted} from '../base/waiting.ts'
import type {ResolvedOptions} from '../config/job-options.ts'
import type {Job} from '../config/jobs.ts'
import {mayBeOfBookmark} from '../run/bookmark-fault.ts'
import {sharedBookmark} from '../run/plan.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import {check, failed, type Answer, type Finding} from './finding.ts'
import {streamsOf, withTrial, type AccountCheck} from './trial.ts'

/** Asks the source whether it still takes the bookmark that the log keeps for the job, if it keeps one. */
export async function* examineBookmark(...about: Parameters<typeof askAboutBookmark>): AsyncGenerator<Finding> {
  const [, {name}] = about
  try {
    const answer = await askAboutBookmark(...about)
    if (answer !== undefined) yield await check('bookmark', name, () => answer)
  } catch (error) {
    yield failed('bookmark', name, error)
  }
}

async function askAboutBookmark(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  {options, selectionHash: selection}: ResolvedOptions,
): Promise<Answer | undefined> {
  if (source.canResume === undefined) return undefined
  const {warehouse: settings} = request.config
  const scopes = streamsOf(job, source, options).map((stream) => ({
    job: job.name,
    account: job.account ?? null,
    selection,
    stream,
  }))
  const kept = sharedBookmark(await (await openWarehouse(settings)).readStreamStates(settings.tables, scopes))
  if (kept === undefined) return undefined
  const since = new Date(kept.at).toISOString()
  try {
    const resumes = await withTrial(request, job, source, options, async (context) =>
      untilAborted(Promise.resolve(source.canResume?.({...context, bookmark: kept.value})), context.signal),
    )
    return resumes === true
      ? `${source.name} can tell what changed since ${since}`
      : `${source.name} does not tell what changed since ${since}; the next run reads that time again`
  } catch (error) {
    if (!mayBeOfBookmark(error)) throw error
    return {
      status: 'warning',
      found: `${source.name} cannot use the bookmark of ${since}: ${messageWithCauses(error)}`,
      next: 'Nothing to do: the next run drops it and reads that time again; deletions since then stay unknown.',
    }
  }
}
