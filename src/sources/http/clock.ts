import {pause} from '../../base/waiting.ts'

export interface Clock {
  now(): number
  /** Waits, and ends early with the signal's reason. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>
}

export const systemClock: Clock = {now: () => Date.now(), wait: pause}
