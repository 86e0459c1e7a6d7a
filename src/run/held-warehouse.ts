/** Knows whether another program keeps the run from its warehouse just now. */
export class HeldWarehouse {
  #holder: string | undefined
  #waiting: (() => void)[] = []

  get isHeld(): boolean {
    return this.#holder !== undefined
  }

  /** Takes the name of the program, and `undefined` when the run was let in. */
  tell(holder: string | undefined): void {
    this.#holder = holder
    if (holder !== undefined) for (const resolve of this.#waiting.splice(0)) resolve()
  }

  async untilHeld(): Promise<void> {
    if (this.isHeld) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
