import {runAndKill, type Ended, type Trigger} from './killed-process.ts'
import type {Random} from '../random.ts'
import {mendIfTorn} from './torn-metadata.ts'

const MOST_ATTEMPTS = 6

/** A server that is read while it changes, page by page. */
export interface PagedServer {
  /** Pages that were asked for so far. */
  readonly pages: number
  /** Resolves when as many more pages were asked for. */
  untilPages(more: number): Promise<void>
}

export interface KilledRunsOptions {
  readonly random: Random
  readonly server: PagedServer
  readonly args: () => readonly string[]
  /** Where the program is started, and the DuckDB file is. */
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  readonly spool: string
  readonly database: string
  /** Called after each kill; false: that was enough, so the rest runs to its end. */
  readonly onKill: (kill: {readonly pagesRead: number; readonly torn: boolean}) => boolean
}

export interface EndedRun extends Ended {
  /** Whether the kill tore DuckDB's own metadata, which was mended. */
  readonly torn: boolean
}

/** Runs of one command that read a server into one database, and are killed at random. */
export class KilledRuns {
  readonly #options: KilledRunsOptions
  #enough = false
  #usual = 1500

  constructor(options: KilledRunsOptions) {
    this.#options = options
  }

  /** Runs again after each kill, until a run comes through. `run` looks at what each has stored. */
  async untilNotKilled(
    run: (trigger: Trigger) => Promise<{readonly killed: boolean; readonly torn: boolean}>,
  ): Promise<void> {
    const {server, onKill} = this.#options
    for (let attempt = 1; ; attempt += 1) {
      const trigger = this.#enough || attempt > MOST_ATTEMPTS ? ({kind: 'never'} as const) : this.#trigger()
      const pagesBefore = server.pages
      const {killed, torn} = await run(trigger)
      if (!killed) return
      this.#enough = !onKill({pagesRead: server.pages - pagesBefore, torn})
    }
  }

  async run(trigger: Trigger): Promise<EndedRun> {
    const {args, folder, env, spool, database} = this.#options
    const startedAt = performance.now()
    const ended = await runAndKill({args: args(), cwd: folder, env, folder, spool, trigger, usual: this.#usual})
    if (!ended.killed) this.#usual = (this.#usual + performance.now() - startedAt) / 2
    return {...ended, torn: ended.killed && (await mendIfTorn(database))}
  }

  #trigger(): Trigger {
    const {random, server} = this.#options
    const kind = random.pick(['page', 'page', 'page', 'time', 'file'])
    if (kind === 'time') return {kind: 'time from start', share: 0.3 + random.next() * 0.75}
    const occurrence = Math.ceil(random.next() ** 2 * 30)
    const delay = random.pick([0, 0, 2, 10, 40])
    return kind === 'page'
      ? {kind: 'told', when: server.untilPages(occurrence), delay}
      : {kind: 'file', file: random.pick(['run folder', 'spool file', 'database', 'wal']), occurrence, delay}
  }
}
