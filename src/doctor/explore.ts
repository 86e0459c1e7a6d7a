import {sourceBug, usageError} from '../base/errors.ts'
import {untilAborted} from '../base/waiting.ts'
import {findJob} from '../config/jobs.ts'
import {resolvedJob} from '../run/job-scopes.ts'
import {assertSignedIn} from '../sources/signed-in.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import {withTrial, type AccountCheck} from './trial.ts'

/** Has the source of a job say what its service, or an address of it, answers with, and which options would read it. */
export async function exploreJob(request: AccountCheck, name: string, address?: string): Promise<string> {
  const {config, commandLine, log, mask} = request
  const job = findJob(config, name)
  const source = await new SourceBoxes(commandLine, config, {log, mask}).sourceOf(job)
  if (source.explore === undefined)
    throw usageError(`the source ${source.name} has nothing to explore`, {
      code: 'E_CONFIG_INVALID',
      next: `\`lorchestra run ${name} --dry-run --limit 10\` shows some records.`,
    })
  const {secrets, resolved} = await resolvedJob(request, job, source)
  const {options} = resolved
  await assertSignedIn(job, source, options, secrets)
  const answer = await withTrial(request, job, source, options, async (context) =>
    source.explore === undefined
      ? undefined
      : untilAborted(source.explore({...context, ...(address !== undefined && {address})}), context.signal),
  )
  if (typeof answer === 'string') return answer
  throw sourceBug(`the source ${source.name} explored, and said no text`)
}
