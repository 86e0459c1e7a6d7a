import {failure} from '../base/errors.ts'
import {mergeWindows} from '../model/window.ts'
import type {GroupPlan, Schedule} from './plan.ts'
import type {StreamGroup} from './stream-groups.ts'
import {spanOf, type ReadAgain} from './read-again.ts'

/** Plans what a group reads again: windows as any others, and what changed since a bookmark up to now. */
export function plansToReadAgain(
  {slice, settle}: Schedule,
  group: StreamGroup,
  {spans}: ReadAgain,
  now: number,
): readonly GroupPlan[] {
  const own = spans.filter(({objectType}) => group.streams.some((stream) => stream.objectType === objectType))
  const windows = mergeWindows(own.filter(({bookmark}) => bookmark === undefined).map(({window}) => window))
  const changes = own.filter(({bookmark}) => bookmark !== undefined)
  const bookmark = changes[0]?.bookmark
  const {since} = spanOf(changes.map(({window}) => window))
  const plan = {group, sliceLength: group.windowed ? slice : undefined, keepsBookmark: 'never'} as const
  return [
    ...(windows.length === 0 ? [] : [{...plan, windows}]),
    ...(bookmark === undefined
      ? []
      : [{...plan, windows: [{since, until: now - settle}], sliceLength: undefined, bookmark, again: true as const}]),
  ]
}

/** The error for a change feed that does not reach back so far any more. */
export const feedForgot = (job: string, cause: unknown): Error =>
  failure('the source no longer tells what changed when the records were rejected', {
    code: 'E_REJECTS_STALE',
    next: `Read everything again: lorchestra run ${job} --full --refetch`,
    cause,
  })
