const MINUTE = 60_000
/** This share of a minute's units may be saved up while nothing is sent. */
const BURST = 0.1

/** Rations by a token bucket in the units of the service, so that no minute holds more than its units and the burst. */
export class RateLimiter {
  #perUnit = 0
  /** Milliseconds since 1970 by which the units that were given out so far are earned. */
  #earnedAt = -Infinity

  set unitsPerMinute(units: number) {
    this.#perUnit = MINUTE / units
  }

  /** Counts the milliseconds to wait before `units` may be used. */
  reserve(units: number, now: number): number {
    if (this.#perUnit === 0) return 0
    this.#earnedAt = Math.max(this.#earnedAt, now - MINUTE * BURST) + units * this.#perUnit
    return Math.max(0, this.#earnedAt - now)
  }

  /** Nothing is saved up at `time`: what follows a pause must not begin with a burst. */
  drain(time: number): void {
    this.#earnedAt = Math.max(this.#earnedAt, time)
  }
}
