import type {Config} from '../config/config.ts'
import {chooseJob, expandJobs} from '../config/jobs.ts'
import {shareOf, type Task} from '../model/task.ts'

export interface SharedJobs {
  readonly task: Task
  /** The names of those that are this task's. */
  readonly jobs: readonly string[]
  /** All tasks have so many jobs together. */
  readonly of: number
}

/** Finds the jobs of a task among those that patterns mean. No variable of any other has to be set. */
export function jobsOfTask(
  config: Config,
  task: Task,
  {jobs, account}: {readonly jobs: readonly string[]; readonly account: string | undefined},
): SharedJobs {
  const all = expandJobs(config, jobs).map((name) => chooseJob(config, name, account === undefined ? {} : {account}))
  return {task, jobs: shareOf(task, all).map(({name}) => name), of: all.length}
}
