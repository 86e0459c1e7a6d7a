import {systemClock, type Clock} from './clock.ts'
import {InFlight} from './in-flight.ts'
import {RateLimiter} from './rate-limiter.ts'
import {backoffBound, jittered} from './retry-policy.ts'

/**
 * All requests of an account share this, whichever job of the process sends them: the service counts them together, so
 * a pause that it asks for holds them all, and so does the rate limit.
 */
export class AccountTraffic {
  readonly clock: Clock
  readonly #limiter = new RateLimiter()
  readonly #inFlight = new InFlight()
  #pausedUntil = -Infinity
  #refusedAt = -Infinity
  /** Refusals in a row. */
  #refusals = 0

  constructor(clock: Clock = systemClock) {
    this.clock = clock
  }

  /** Sets the limit that the job which runs now wants; what was used before still counts. */
  limitTo(unitsPerMinute: number): void {
    this.#limiter.unitsPerMinute = unitsPerMinute
  }

  /** Tells when the pause ends that the service asked for, if there is one. */
  get pausedUntil(): number | undefined {
    return this.#pausedUntil > this.clock.now() ? this.#pausedUntil : undefined
  }

  /** Counts the milliseconds until the rate limit allows `units` more, which count as used from now on. */
  reserve(units: number): number {
    return this.#limiter.reserve(units, this.clock.now())
  }

  /** Waits where too many are on the way already; call what it returns when the answer is there. */
  async depart(signal: AbortSignal): Promise<() => void> {
    return this.#inFlight.enter(signal)
  }

  succeeded(sentAt: number): void {
    this.#inFlight.succeeded()
    if (sentAt > this.#refusedAt) this.#refusals = 0
  }

  /** Takes what the service wrote of how many requests it wants at once; anything but a positive whole number says nothing. */
  recommendConcurrency(written: string | null | undefined): void {
    if (/^[1-9]\d{0,5}$/.test(written ?? '')) this.#inFlight.atMost(Number(written))
  }

  tooManyConcurrent(sentAt: number): void {
    this.#inFlight.tooMany(sentAt, this.clock.now())
  }

  /** The service refused a request that was sent at `sentAt`. Returns when the pause for all ends. */
  pause(sentAt: number, after: number | undefined, firstBackoff: number): number {
    const now = this.clock.now()
    // Requests that were on the way together are refused together; that is one refusal.
    if (sentAt > this.#refusedAt) {
      this.#refusals += 1
      this.#refusedAt = now
    }
    const until = now + Math.max(after ?? 0, jittered(backoffBound(firstBackoff, this.#refusals)))
    this.#pausedUntil = Math.max(this.#pausedUntil, until)
    this.#limiter.drain(this.#pausedUntil)
    return this.#pausedUntil
  }
}
