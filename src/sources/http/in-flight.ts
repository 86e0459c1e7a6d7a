const SUCCESSES_BEFORE_MORE = 100

/**
 * Limits how many requests of an account are on the way. There is no limit until the service says that it is too many;
 * then half of what it was, and one more after each hundred answers. Never more than the service says that it wants.
 */
export class InFlight {
  #limit = Infinity
  #wanted = Infinity
  #count = 0
  #reducedAt = -Infinity
  #successes = 0
  readonly #waiting = new Set<() => void>()

  async enter(signal: AbortSignal): Promise<() => void> {
    while (this.#count >= Math.min(this.#limit, this.#wanted)) await this.#roomOrAbort(signal)
    signal.throwIfAborted()
    this.#count += 1
    return () => {
      this.#count -= 1
      this.#wake()
    }
  }

  succeeded(): void {
    if (this.#limit === Infinity) return
    this.#successes += 1
    if (this.#successes < SUCCESSES_BEFORE_MORE) return
    this.#successes = 0
    this.#limit += 1
    this.#wake()
  }

  atMost(wanted: number): void {
    this.#wanted = wanted
    for (const go of this.#waiting) go()
  }

  tooMany(sentAt: number, now: number): void {
    // The others that were on the way at that moment say nothing about the new limit.
    if (sentAt <= this.#reducedAt) return
    this.#limit = Math.max(1, Math.floor(this.#count / 2))
    this.#reducedAt = now
    this.#successes = 0
  }

  async #roomOrAbort(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await new Promise<void>((resolve) => {
      const go = (): void => {
        this.#waiting.delete(go)
        signal.removeEventListener('abort', go)
        resolve()
      }
      this.#waiting.add(go)
      signal.addEventListener('abort', go, {once: true})
    })
    signal.throwIfAborted()
  }

  #wake(): void {
    const [first] = this.#waiting
    first?.()
  }
}
