/** Milliseconds that the average looks back. */
const SPAN = 60_000
const INTERVAL = 1000

/** This is how fast something grows, by what it grew within the last minute, or another span in milliseconds. */
export class Pace {
  readonly #samples: {readonly at: number; readonly amount: number}[] = []

  readonly #span: number

  constructor(startedAt: number, span = SPAN) {
    this.#span = span
    this.#samples.push({at: startedAt, amount: 0})
  }

  note(at: number, amount: number): void {
    const last = this.#samples.at(-1)
    if (last !== undefined && at - last.at < INTERVAL) return
    this.#samples.push({at, amount})
    // The newest of those that are too old stays: the span begins there.
    while ((this.#samples[1]?.at ?? at) <= at - this.#span) this.#samples.shift()
  }

  /** Gives the average, and takes note of the amount: what stands still is seen by whoever looks again. */
  perSecond(now: number, amount: number): number {
    this.note(now, amount)
    const first = this.#samples.findLast(({at}) => at <= now - this.#span) ?? this.#samples[0]
    if (first === undefined) return 0
    return (amount - first.amount) / Math.max((now - first.at) / 1000, 0.001)
  }
}
