import type {DuckDBConnection} from '@duckdb/node-api'

import type {Comparison, StreamsToCompare} from '../comparison.ts'
import {databaseExists, withAttached, type DatabaseOptions} from './connection.ts'
import {assertCompatibleTables, tableExists} from './definitions.ts'
import type {LockTimeouts} from './lock-wait.ts'
import {fileState, readLogState, type LogState} from './log-state.ts'

export interface FileToWatch {
  readonly streams: StreamsToCompare
  readonly database: DatabaseOptions
  readonly signal: AbortSignal
  readonly timeouts: LockTimeouts
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

  /** Says the same as long as nobody wrote to the file; `undefined` where there is none. */
  get state(): string | undefined {
    return this.#state
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

  /** Takes whoever wrote last for one who moved the streams: some of their rows were read before, and some after. */
  takeForMoved(): void {
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
