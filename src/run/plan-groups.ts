import type {StreamState} from '../warehouse/warehouse.ts'
import {askMoment, askWithoutBookmark} from './ask-source.ts'
import type {JobRun} from './job-run.ts'
import {planGroup, type GroupPlan, type Moment} from './plan.ts'
import type {StreamGroup} from './stream-groups.ts'
import {feedForgot, plansToReadAgain} from './plan-again.ts'

type States = ReadonlyMap<StreamGroup, readonly StreamState[]>

interface Plans {
  readonly plans: readonly GroupPlan[]
  /** Why a bookmark that was kept is of no use, in the source's words. */
  readonly dropped: string | undefined
}

/** Plans all groups before anything is read: what changes from then on is told by the bookmarks that the source gave. */
export async function planGroups(run: JobRun, states: States): Promise<Plans> {
  const {again} = run.request
  const moments: Moment[] = []
  const plans: GroupPlan[] = []
  for (const [group, ofGroup] of states) {
    if (again === undefined) {
      const moment = await askMoment(run, group.streams, ofGroup)
      moments.push(moment)
      plans.push(planGroup(run, group, ofGroup, run.request, moment))
    } else plans.push(...plansToReadAgain(run, group, again, run.now().getTime()))
  }
  return {plans, dropped: moments.find(({dropped}) => dropped !== undefined)?.dropped}
}

/** Plans a group anew whose bookmark its source could not read from. */
export async function planWithoutBookmark(
  run: JobRun,
  {group, again}: GroupPlan,
  states: States,
  reason: Error,
): Promise<Pick<Plans, 'dropped'> & {readonly plan: GroupPlan}> {
  if (again) throw feedForgot(run.job, reason)
  await run.sink.dropUnfinishedSlice()
  const moment = await askWithoutBookmark(run, group.streams, reason)
  return {plan: planGroup(run, group, states.get(group) ?? [], run.request, moment), dropped: moment.dropped}
}
