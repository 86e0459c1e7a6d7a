import {Random} from '../random.ts'
import type {TaskWork} from '../tasks/engine.ts'
import type {Fate, NodeOptions} from './node.ts'
import {indexOf, jobOf, type Pod} from './pod.ts'

/** Attempts of one task have seeds of their own, whichever comes first. */
const SEEDS_OF_TASK = 101

export interface PlannedPods extends Pick<NodeOptions, 'fateOf' | 'onEnd'> {
  /** Exit codes of Pods of other Jobs, of which none is killed. */
  readonly unplanned: readonly (number | null)[]
}

/** Has attempts of a Job killed as is planned. So many of one index may fail; of a further one the node says that it evicted it. */
export function plannedPods(
  {kills, seed, onAttempt}: TaskWork,
  {job, retries}: {readonly job: string; readonly retries: number},
): PlannedPods {
  const attempts = new Map<string, number>()
  const begun = new Map<number, number>()
  const failed = new Map<number, number>()
  const unplanned: (number | null)[] = []
  const fateOf = (pod: Pod): Fate => {
    if (jobOf(pod) !== job) return {kill: null, evicted: false}
    const index = indexOf(pod)
    const attempt = (begun.get(index) ?? 0) + 1
    begun.set(index, attempt)
    attempts.set(pod.metadata.uid, attempt)
    const kill = kills[index]?.[attempt - 1] ?? null
    const failures = failed.get(index) ?? 0
    const evicted = failures >= retries || new Random(seed + index * SEEDS_OF_TASK + attempt).chance(1 / 2)
    if (kill !== null && !evicted) failed.set(index, failures + 1)
    return {kill, evicted}
  }
  return {
    unplanned,
    fateOf,
    onEnd(pod, end) {
      const attempt = attempts.get(pod.metadata.uid)
      if (attempt === undefined) unplanned.push(end.code)
      else onAttempt({task: indexOf(pod), attempt, ...end})
    },
  }
}
