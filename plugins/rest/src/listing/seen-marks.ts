/** Remembering one mark at ever greater distances finds every circle, and keeps none of the others in memory. */
export class SeenMarks {
  #remembered: string | undefined
  #count = 0
  #rememberAt = 1

  /** Tells whether the mark is the remembered one. */
  meets(mark: string): boolean {
    if (mark === this.#remembered) return true
    this.#count += 1
    if (this.#count < this.#rememberAt) return false
    this.#remembered = mark
    this.#rememberAt *= 2
    return false
  }
}
