/** Knows whether another program keeps the run from its warehouse just now. */
export class HeldWarehouse {
  #holder: string | undefined
  readonly #waiting = new Set<() => void>()

  get isHeld(): boolean {
    return this.#holder !== undefined
  }

  /** Takes the name of the program, and `undefined` when the run was let in. */
  tell(holder: string | undefined): void {
    this.#holder = holder
    if (holder !== undefined) for (const resolve of this.#waiting) resolve()
  }

  /** Waits for the work, but no longer than until another program keeps the run out. Rejects where the work does. */
  async untilHeldOr(work: Promise<void>): Promise<void> {
    if (this.isHeld) return
    let tell = (): void => undefined
    const held = new Promise<void>((resolve) => {
      tell = resolve
    })
    this.#waiting.add(tell)
    try {
      await Promise.race([work, held])
    } finally {
      this.#waiting.delete(tell)
    }
  }
}
