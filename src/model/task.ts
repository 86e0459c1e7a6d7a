import {usageError} from '../base/errors.ts'

/** One of several processes that share the jobs of one command line; `index` counts from 0. */
export interface Task {
  readonly index: number
  readonly count: number
}

/** Where engines say which of how many processes this is. A Kubernetes Job gives no count. */
const VARIABLES = [
  ['CLOUD_RUN_TASK_INDEX', 'CLOUD_RUN_TASK_COUNT'],
  ['AWS_BATCH_JOB_ARRAY_INDEX', 'AWS_BATCH_JOB_ARRAY_SIZE'],
  ['BATCH_TASK_INDEX', 'BATCH_TASK_COUNT'],
  ['SLURM_ARRAY_TASK_ID', 'SLURM_ARRAY_TASK_COUNT'],
  ['JOB_COMPLETION_INDEX', 'LORCHESTRA_TASKS'],
] as const

/** Reads the value of `--task`: `3/64`, or `auto` for what the environment says, which is never looked at without. */
export function readTask(flag: string, environment: NodeJS.ProcessEnv): Task {
  return flag === 'auto' ? taskOfEngine(environment) : parseTask('--task', flag)
}

/** Tells whether an engine, or somebody for `--task auto`, has set which task this process is. */
export const namesTask = (environment: NodeJS.ProcessEnv): boolean =>
  ['LORCHESTRA_TASK', ...VARIABLES.map(([index]) => index)].some((name) => (environment[name] ?? '') !== '')

function taskOfEngine(environment: NodeJS.ProcessEnv): Task {
  const own = environment['LORCHESTRA_TASK'] ?? ''
  if (own !== '') return parseTask('LORCHESTRA_TASK', own)
  const found = VARIABLES.find(([index]) => (environment[index] ?? '') !== '')
  if (found === undefined) {
    throw usageError('--task auto finds nothing in the environment that says which task this is', {
      code: 'E_USAGE_FLAGS',
      next: `Set LORCHESTRA_TASK, such as 3/64, or run it where ${listed(VARIABLES.map(([index]) => index))} is set.`,
    })
  }
  const [index, count] = found
  if ((environment[count] ?? '') === '') {
    throw usageError(`${index} is set, but ${count} is not, so nothing says how many tasks there are`, {
      code: 'E_USAGE_FLAGS',
      next: `Set ${count} to the number of tasks.`,
    })
  }
  assertCountedFromZero(environment)
  return parseTask(`${index}/${count}`, `${environment[index] ?? ''}/${environment[count] ?? ''}`)
}

/** Slurm may number its tasks as it is told: the share of 0 would be nobody's. */
function assertCountedFromZero({SLURM_ARRAY_TASK_MIN: first = '0'}: NodeJS.ProcessEnv): void {
  if (first === '0') return
  throw usageError(`the tasks of this array are counted from ${first}`, {
    code: 'E_USAGE_FLAGS',
    next: 'Count them from 0, one after the other: sbatch --array=0-63.',
  })
}

function parseTask(name: string, text: string): Task {
  const [, index, count] = /^(\d{1,9})\/(\d{1,9})$/.exec(text.trim()) ?? []
  const task = {index: Number(index), count: Number(count)}
  if (index !== undefined && task.index < task.count) return task
  throw usageError(`${name} ${text} is no task of several`, {
    code: 'E_USAGE_FLAGS',
    next: 'Give the number of the task, counted from 0, and how many there are: the last of 64 is 63/64.',
  })
}

const listed = (names: readonly string[]): string => new Intl.ListFormat('en', {type: 'disjunction'}).format(names)

export interface SharedJob {
  readonly name: string
  readonly account?: string
  readonly sourceSystem: string
}

/**
 * Gives the jobs that are a task's. Those of one account belong together, so that its rate limit and its secrets stay in one
 * process; jobs without one belong together where they are of one source system, for they may read one stream. The groups are sorted by name, and group k is the task's whose index is k mod count, so
 * that all tasks agree without a word.
 */
export function shareOf<Job extends SharedJob>({index, count}: Task, jobs: readonly Job[]): readonly Job[] {
  const groups = [...new Set(jobs.map(groupOf))].toSorted()
  const own = new Set(groups.filter((_, number) => number % count === index))
  return jobs.filter((job) => own.has(groupOf(job)))
}

/** An account may have the name of a source system, and is another group. */
const groupOf = ({account, sourceSystem}: SharedJob): string =>
  account === undefined ? `${sourceSystem}\tsource system` : `${account}\taccount`
