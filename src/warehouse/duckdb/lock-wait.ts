import {existsSync} from 'node:fs'

import {busy} from '../../base/errors.ts'
import {backupOf} from './metadata-backup.ts'

/** Says how long the file is waited for while another program has it open; milliseconds. */
export interface LockTimeouts {
  /** Time that is waited without progress; `idleSince` tells from when it counts, and is `undefined` while it does not yet. */
  readonly timeout: number
  readonly idleSince?: () => number | undefined
  /** After it was aborted only `timeoutOnceStopped` is left. */
  readonly stop?: AbortSignal
  readonly timeoutOnceStopped?: number
  /** Hears who has the file open, and `undefined` when the wait is over. */
  readonly heldBy?: (holder: string | undefined) => void
  readonly longestPause?: number
}

/** One run waits no longer than this for the commits of others; milliseconds. */
const LONGEST_WAIT = 60 * 60 * 1000
const FIRST_PAUSE = 20
const LONGEST_PAUSE = 500

/** The wait for a file that somebody else has open. */
export class LockWait {
  readonly #path: string
  readonly #timeouts: LockTimeouts
  readonly #startedAt = performance.now()
  #stoppedAt: number | undefined
  #committing: number | undefined
  #pause = FIRST_PAUSE
  #told = false

  constructor(path: string, timeouts: LockTimeouts) {
    this.#path = path
    this.#timeouts = timeouts
  }

  /** Answers how long to pause before the next try; throws where there was enough of them. */
  next(holder: string, error: unknown): number {
    const now = performance.now()
    // A run has the file open for one commit, however long that takes; others may keep it open for good.
    if (existsSync(backupOf(this.#path)) && now - this.#startedAt < LONGEST_WAIT) this.#committing = now
    if (this.#timeouts.stop?.aborted === true) this.#stoppedAt ??= now
    if (now > this.#deadline()) throw heldByAnother(this.#path, now - this.#startedAt, holder, error)
    this.#timeouts.heldBy?.(holder)
    this.#told = true
    const pause = this.#pause
    this.#pause = Math.min(pause * 2, this.#timeouts.longestPause ?? LONGEST_PAUSE)
    return pause
  }

  end(): void {
    if (this.#told) this.#timeouts.heldBy?.(undefined)
  }

  #deadline(): number {
    const {timeout, idleSince, timeoutOnceStopped = timeout} = this.#timeouts
    if (this.#stoppedAt !== undefined) return this.#from(this.#stoppedAt) + timeoutOnceStopped
    const since = idleSince === undefined ? this.#startedAt : idleSince()
    return since === undefined ? Infinity : this.#from(since) + timeout
  }

  #from(instant: number): number {
    return Math.max(this.#startedAt, instant, this.#committing ?? 0)
  }
}

const heldByAnother = (path: string, waited: number, holder: string, error: unknown): Error =>
  busy(`${path} is open in ${holder}; waited ${Math.round(waited / 1000)} s for it`, {
    code: 'E_DATABASE_LOCKED',
    next: 'Close it there (a DuckDB shell or notebook keeps the file locked) and run the same command again.',
    cause: error,
  })
