import {messageWithCauses} from '../base/errors.ts'
import {untilAborted} from '../base/waiting.ts'
import type {ResolvedOptions} from '../config/job-options.ts'
import type {Job} from '../config/jobs.ts'
import {mayBeOfBookmark} from '../run/bookmark-fault.ts'
import {sharedBookmark} from '../run/plan.ts'
import {scopesOfGroups, streamGroups, type StreamGroup} from '../run/stream-groups.ts'
import type {HostedSource} from '../sources/box/hosted-source.ts'
import {openWarehouse} from '../warehouse/open-warehouse.ts'
import {check, failed, type Answer, type Finding} from './finding.ts'
import {withTrial, type AccountCheck} from './trial.ts'

/** Asks the source whether it still takes the bookmarks that the log keeps for the job, if it keeps any. */
export async function* examineBookmarks(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  {options, selectionHash}: ResolvedOptions,
): AsyncGenerator<Finding> {
  if (source.canResume === undefined) return
  const groups = streamGroups(source.streams(options), job.sourceSystem, selectionHash)
  for (const group of groups) {
    const objectTypes = group.streams.map(({objectType}) => objectType).join(', ')
    const owner = groups.length === 1 ? job.name : `${job.name} (${objectTypes})`
    try {
      const answer = await askAboutBookmark(request, job, source, options, group)
      if (answer !== undefined) yield await check('bookmark', owner, () => answer)
    } catch (error) {
      yield failed('bookmark', owner, error)
    }
  }
}

async function askAboutBookmark(
  request: AccountCheck,
  job: Job,
  source: HostedSource,
  options: unknown,
  group: StreamGroup,
): Promise<Answer | undefined> {
  const {warehouse: settings} = request.config
  const scopes = scopesOfGroups({job: job.name, account: job.account ?? null}, [group])
  const kept = sharedBookmark(await (await openWarehouse(settings)).readStreamStates(settings.tables, scopes))
  if (kept === undefined) return undefined
  const since = new Date(kept.at).toISOString()
  try {
    const resumes = await withTrial(request, job, source, options, async (context) =>
      untilAborted(
        Promise.resolve(source.canResume?.({...context, streams: group.streams, bookmark: kept.value})),
        context.signal,
      ),
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
