import {createInterface} from 'node:readline'
import type {Readable} from 'node:stream'

import {Random} from '../random.ts'

/** In which of its jobs, counted from 0, an attempt is killed, and how many milliseconds after that began. */
export interface Kill {
  readonly job: number
  readonly after: number
}

/** By task and attempt, both counted from 0; `null` where nobody kills it. */
export type Kills = readonly (readonly (Kill | null)[])[]

const KILLED_SHARE = 1 / 3
export const MOST_ATTEMPTS = 30

export function planKills(options: {seed: number; tasks: number; jobsOfTask: number; jobTakes: number}): Kills {
  const random = new Random(options.seed)
  const kill = (): Kill | null =>
    random.chance(KILLED_SHARE)
      ? {job: random.integer(0, Math.max(0, options.jobsOfTask - 1)), after: random.integer(0, options.jobTakes)}
      : null
  return Array.from({length: options.tasks}, () => Array.from({length: MOST_ATTEMPTS}, kill))
}

export interface Victim {
  readonly stdout: Readable
  /** With SIGKILL, and all that it started. */
  kill(): void
}

/** Kills when the job that is meant has begun to read. */
export function killWhileReading(victim: Victim, kill: Kill | null): void {
  let begun = 0
  createInterface({input: victim.stdout}).on('line', (line) => {
    if (!/^\w+_\d+ \(/.test(line)) return
    if (begun === kill?.job) setTimeout(() => victim.kill(), kill.after)
    begun += 1
  })
}
