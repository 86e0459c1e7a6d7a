import type {Clock} from '../../src/sources/http/clock.ts'

/** Time passes by waiting alone. */
export function patientClock(): Clock & {readonly waits: number[]} {
  let time = Date.parse('2026-01-01T00:00:00Z')
  const waits: number[] = []
  return {
    waits,
    now: () => time,
    wait: (milliseconds, signal) => {
      signal.throwIfAborted()
      waits.push(milliseconds)
      time += milliseconds
      return Promise.resolve()
    },
  }
}
