import type {Logger} from '../source.ts'

/** So many records that were rejected for one reason are named; the others are counted. */
const NAMED = 3

/** Warns of rejected records, so that many equal ones do not hide what else the log says. */
export class RejectWarnings {
  readonly #log: Logger
  readonly #seen = new Map<string, number>()

  constructor(log: Logger) {
    this.#log = log
  }

  add(objectType: string, {reference, reason}: {readonly reference: string; readonly reason: string}): void {
    const seen = (this.#seen.get(reason) ?? 0) + 1
    this.#seen.set(reason, seen)
    const at = seen <= NAMED ? 'warn' : 'debug'
    this.#log[at](`rejected ${reference}: ${reason}`, {objectType})
  }

  /** Tells how many were not named. */
  end(): void {
    for (const [reason, seen] of this.#seen) {
      if (seen <= NAMED) continue
      this.#log.warn(`rejected ${seen - NAMED} more: ${reason}`)
    }
    this.#seen.clear()
  }
}
