import type {SharedJobs} from '../run/shared-jobs.ts'
import type {TaskMember} from './documents/run.ts'

/** Formats `task 3 of 64: gmail_a, gmail_q (of 128 jobs)`. */
export function formatTask({task: {index, count}, jobs, of}: SharedJobs): string {
  const share = jobs.length === 0 ? 'nothing to do here' : jobs.join(', ')
  return `task ${index} of ${count}: ${share} (of ${of === 1 ? '1 job' : `${of} jobs`})`
}

export const taskMemberOf = ({task, jobs, of}: SharedJobs): TaskMember => ({...task, jobs, of})
