import type {DuckDBConnection} from '@duckdb/node-api'

import {pause} from '../../base/waiting.ts'
import type {Comparison, StreamsToCompare} from '../comparison.ts'
import {databaseExists, withAttached, type DatabaseOptions} from './connection.ts'
import {assertCompatibleTables, tableExists} from './definitions.ts'
import type {LockTimeouts} from './lock-wait.ts'
import {fileState, readLogState, type LogState} from './log-state.ts'

/** The file is kept from whoever wants to write for no longer than this and one more piece; then he has this time; milliseconds. */
const LONGEST_HOLD = 1000
const RELEASE = 400

/** Reads a piece with each step. After it the file is held still, or let go of because the next step does without it. */
export type Pieces = AsyncGenerator<'held' | 'apart', void>

export interface FileToWatch {
  readonly streams: StreamsToCompare
  readonly database: DatabaseOptions
  readonly signal: AbortSignal
  readonly timeouts: LockTimeouts
  /** Milliseconds. @default 1 s */
  readonly longestHold?: number
  /** Is waited for after each turn. @default 0.4 s */
  readonly release?: () => Promise<void>
}

const NO_LOG: LogState = {events: 0, commits: 0, lastRun: undefined, lastWriter: undefined}

/** A file that is opened again and again to read streams, and seen to have changed between two times. */
export class WatchedFile {
  readonly #given: FileToWatch
  readonly #connection: DuckDBConnection
  #log: LogState | undefined
  #state: string | undefined
  #tableExists = false
  #moved: Comparison['moved']

  constructor(given: FileToWatch, connection: DuckDBConnection) {
    this.#given = given
    this.#connection = connection
  }

  get tableExists(): boolean {
    return this.#tableExists
  }

  get moved(): Comparison['moved'] {
    return this.#moved
  }

  /** Has the file as the catalog `warehouse` for as long as `use` takes. */
  async opened<Result>(use: () => Promise<Result>): Promise<Result> {
    const {database, signal, timeouts} = this.#given
    if (!(await databaseExists(database.path))) {
      await this.#look(undefined)
      return use()
    }
    return withAttached({options: database, connection: this.#connection}, signal, timeouts, async () => {
      await this.#look(await fileState(database.path))
      return use()
    })
  }

  /** Answers false where somebody wrote to the file between two turns, unless it goes on then. */
  async readInTurns(pieces: Pieces, goesOn: boolean): Promise<boolean> {
    const {signal, longestHold = LONGEST_HOLD, release = async () => pause(RELEASE, signal)} = this.#given
    let state: string | undefined
    for (;;) {
      const turn = await this.opened(async () => {
        state ??= this.#state
        if (state !== this.#state) {
          if (!goesOn) return 'changed'
          this.#takeForMoved()
          state = this.#state
        }
        const end = performance.now() + longestHold
        for (;;) {
          const piece = await pieces.next()
          if (piece.done === true) return 'done'
          if (piece.value === 'apart') return 'apart'
          if (performance.now() >= end) return 'let go'
        }
      })
      if (turn === 'changed') return false
      if (turn === 'done' || (turn === 'apart' && (await pieces.next()).done === true)) return true
      if (turn === 'let go') await release()
    }
  }

  /** Takes whoever wrote last for one who moved the streams: some of their rows were read before, and some after. */
  #takeForMoved(): void {
    this.#moved ??= {runId: this.#log?.lastWriter}
  }

  /** Sees whether the streams moved: a run that committed to them says so, and whoever else wrote shows by the file alone. */
  async #look(state: string | undefined): Promise<void> {
    const {tables, streams, runId} = this.#given.streams
    if (this.#log !== undefined && state === this.#state) return
    if (state !== undefined) await assertCompatibleTables(this.#connection, tables)
    const log = state === undefined ? NO_LOG : await readLogState(this.#connection, tables.eventLog, streams)
    this.#tableExists = state !== undefined && (await tableExists(this.#connection, tables.rawObjects))
    this.#state = state
    const former = this.#log
    this.#log = log
    if (former === undefined || log.lastRun === runId) return
    if (log.commits !== former.commits) this.#moved = {runId: log.lastRun}
    else if (log.events === former.events) this.#moved ??= {runId: undefined}
  }
}
