const MINUTE = 60_000
/** Of a minute's units, how much may be saved up while nothing is sent. */
const BURST = 0.1

/** A token bucket in the units of the service, so that no minute holds more than its units and the burst. */
export class RateLimiter {
  #perUnit = 0
  /** The units that were given out so far would be earned by then. */
  #earnedAt = -Infinity

  set unitsPerMinute(units: number) {
    this.#perUnit = MINUTE / units
  }

  /** Milliseconds to wait before `units` may be used. */
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
