/** More keys are not remembered: about 100 MB. */
const MOST = 1_000_000

/**
 * Remembers what a run has yielded and perhaps not stored yet, so that its deletion further down the same list is told as well.
 * Of more than it can hold it answers that any key may have been yielded: telling that a record is deleted which nobody stored
 * changes no row.
 */
export class YieldedKeys {
  readonly #keys = new Set<string>()
  readonly #most: number
  #isFull = false

  constructor(most = MOST) {
    this.#most = most
  }

  add(keys: readonly string[]): void {
    for (const key of keys) {
      if (this.#keys.size >= this.#most) this.#isFull = true
      else this.#keys.add(key)
    }
  }

  mayHave(key: string): boolean {
    return this.#isFull || this.#keys.has(key)
  }
}
