import {commonReason, kindOfReason} from '../model/reject-reason.ts'
import type {Logger} from '../source.ts'

/** So many records that were rejected for one kind of reason are named; the others are counted. */
const NAMED = 3

/** Warns of rejected records, so that many alike do not hide what else the log says. */
export class RejectWarnings {
  readonly #log: Logger
  readonly #seen = new Map<string, {readonly count: number; readonly reason: string}>()

  constructor(log: Logger) {
    this.#log = log
  }

  add(objectType: string, {reference, reason}: {readonly reference: string; readonly reason: string}): void {
    const kind = kindOfReason(reason)
    const before = this.#seen.get(kind) ?? {count: 0, reason}
    const seen = {count: before.count + 1, reason: commonReason(before.reason, reason)}
    this.#seen.set(kind, seen)
    const at = seen.count <= NAMED ? 'warn' : 'debug'
    this.#log[at](`rejected ${reference}: ${reason}`, {objectType})
  }

  /** Tells how many were not named. */
  end(): void {
    for (const {count, reason} of this.#seen.values()) {
      if (count > NAMED) this.#log.warn(`rejected ${count - NAMED} more: ${reason}`)
    }
    this.#seen.clear()
  }
}
