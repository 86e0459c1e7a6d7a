import {watch, type FSWatcher} from 'node:fs'
import {setTimeout as pause} from 'node:timers/promises'

import {assert} from './oracle.ts'
import type {Random} from '../random.ts'
import {boxesOf, type RunningBox} from './running-boxes.ts'

/** When one of the boxes of a command is killed, and how. */
export interface BoxKillPlan {
  readonly when:
    /** A share of the time that such a command takes. */
    | {readonly kind: 'time'; readonly share: number}
    /** So long after the nth call of `extract`, of whichever job. */
    | {readonly kind: 'call'; readonly occurrence: number; readonly delay: number}
    /** So long after the nth change of the database's files: the host commits while the box reads on. */
    | {readonly kind: 'database'; readonly occurrence: number; readonly delay: number}
  /** It is stopped for so many milliseconds before. */
  readonly stoppedFor?: number
  /** Which of those that there are, as a share of their number. */
  readonly which: number
}

export interface BoxKill {
  /** The job whose box it was; missing where it was the one that says which sources there are. */
  readonly job?: string
  readonly stopped: boolean
}

export const boxKillPlan = (random: Random): BoxKillPlan => {
  const dice = random.next()
  const delay = random.pick([0, 0, 1, 3, 10, 40])
  const when = ((): BoxKillPlan['when'] => {
    if (dice < 0.35) return {kind: 'time', share: random.next()}
    const occurrence = Math.ceil(random.next() ** 2 * 30)
    return dice < 0.8 ? {kind: 'call', occurrence, delay} : {kind: 'database', occurrence, delay}
  })()
  return {when, which: random.next(), ...(random.chance(0.4) && {stoppedFor: random.integer(0, 250)})}
}

/** Kills boxes of one command while it runs. */
export class BoxKiller {
  readonly kills: BoxKill[] = []
  readonly #command: number
  readonly #plugin: string
  readonly #plans: readonly BoxKillPlan[]
  readonly #watchers: FSWatcher[] = []
  readonly #pending: Promise<void>[] = []
  readonly #over = new AbortController()
  #calls = 0
  #changes = 0

  constructor(command: number, plugin: string, folder: string, plans: readonly BoxKillPlan[], usual: number) {
    this.#command = command
    this.#plugin = plugin
    this.#plans = plans
    for (const plan of plans) if (plan.when.kind === 'time') this.#killAfter(plan, plan.when.share * usual)
    this.#watchers.push(
      watch(folder, (_, name) => {
        if (name?.includes('.duckdb') === true) this.#happened('database', (this.#changes += 1))
      }),
    )
  }

  called(): void {
    this.#happened('call', (this.#calls += 1))
  }

  /** To be called when the command has ended. */
  async end(): Promise<void> {
    for (const watcher of this.#watchers) watcher.close()
    this.#over.abort()
    await Promise.all(this.#pending)
  }

  #happened(kind: 'call' | 'database', occurrence: number): void {
    for (const plan of this.#plans)
      if (plan.when.kind === kind && plan.when.occurrence === occurrence) this.#killAfter(plan, plan.when.delay)
  }

  #killAfter(plan: BoxKillPlan, delay: number): void {
    this.#pending.push(this.#kill(plan, delay))
  }

  async #kill({which, stoppedFor}: BoxKillPlan, delay: number): Promise<void> {
    if (delay > 0) await this.#wait(delay)
    const boxes = boxesOf(this.#command, this.#plugin)
    const box = boxes[Math.floor(which * boxes.length)]
    if (box === undefined || (stoppedFor !== undefined && !signal(box, 'SIGSTOP'))) return
    if (stoppedFor !== undefined) await this.#wait(stoppedFor)
    if (!signal(box, 'SIGKILL')) return
    const job = /^--allow-fs-read=.*\/(\w+)\.mark$/
    const [name] = box.args.flatMap((arg) => job.exec(arg)?.[1] ?? [])
    this.kills.push({stopped: stoppedFor !== undefined, ...(name !== undefined && {job: name})})
  }

  /** Ends with the command: what is stopped then is killed at once. */
  async #wait(milliseconds: number): Promise<void> {
    await pause(milliseconds, undefined, {signal: this.#over.signal}).catch((error: unknown) => {
      assert(this.#over.signal.aborted, String(error))
    })
  }
}

/** Returns whether it was still there. */
function signal({pid}: RunningBox, name: 'SIGSTOP' | 'SIGKILL'): boolean {
  try {
    return process.kill(pid, name)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}
