import {readFile} from 'node:fs/promises'
import {inspect, isDeepStrictEqual} from 'node:util'

import type {Counts} from '../../../src/model/counts.ts'
import {noCounts} from '../../../src/model/counts.ts'
import {CLOCK_TOLERANCE} from '../../../src/model/clock.ts'
import {parseDuration} from '../../../src/base/time.ts'
import type {TableSet} from '../../../src/model/tables.ts'
import {query, type Rows} from '../database.ts'
import {keyOf, type Call, type ChaosSourceSettings} from './source.ts'
import type {World} from './world.ts'

const STREAMS = ['item', 'mail'] as const
type StreamName = (typeof STREAMS)[number]

export interface ModelRow {
  readonly payload: string
  readonly firstSeen: number
  readonly lastSeen: number
}

export interface OracleOptions {
  readonly database: string
  readonly tables: TableSet
  readonly world: World
  readonly source: ChaosSourceSettings
  readonly sourceSystem: string
  /** Written by the source. */
  readonly calls: string
  /** Of several jobs in one database, the one whose runs are looked at. */
  readonly job?: string
  /** Why a run may end as failed by itself. */
  readonly mayFail?: RegExp
}

export interface RunSeen {
  readonly id: string
  /** What its source writes beside each call. */
  readonly label: string
  readonly startedAt: number
  readonly counts: Counts
  commits: number
  ended: 'completed' | 'failed' | undefined
}

interface LoggedEvent {
  readonly type: string
  readonly run: string
  readonly objectType: string
  readonly at: number
  readonly status: string
  readonly error: string | null
  readonly idemKey: string | null
  readonly payload: Payload | null
}

interface Payload {
  readonly window: {readonly since: string | null; readonly until: string}
  readonly counts: Counts
  readonly bookmark?: {readonly value: number; readonly at: string}
  readonly reference?: string
  readonly limited?: boolean
}

/**
 * Knows from the world alone what the tables must hold after the commits that the event log names, and compares. It
 * follows one database from its first run on: `look` after each run, killed or not.
 */
export class Oracle {
  readonly #options: OracleOptions
  readonly #rows = new Map<string, ModelRow>()
  readonly #runs: RunSeen[] = []
  #keysAtStart: ReadonlySet<string> = new Set()
  #events = 0
  #coveredUntil: number | null = null
  #bookmark: {readonly value: number; readonly at: number} | undefined
  #calls: readonly Call[] = []
  #label = ''

  constructor(options: OracleOptions) {
    this.#options = options
  }

  get rows(): ReadonlyMap<string, ModelRow> {
    return this.#rows
  }

  get lastRun(): RunSeen | undefined {
    return this.#runs.at(-1)
  }

  /** Throws where the tables hold anything else than whole commits of what the world says. `label`: of a new run. */
  async look(label: string): Promise<void> {
    this.#label = label
    this.#calls = await readCalls(this.#options.calls)
    const events = await this.#newEvents()
    this.#follow(events)
    await this.#compareRows()
  }

  /** The first thing that the run asked of the source: where it went on. */
  assertWentOnFrom(run: string, before: Position): void {
    const [first] = this.#calls.filter((call) => call.run === run)
    if (first === undefined) return
    const {source} = this.#options
    const since =
      before.coveredUntil === null ? null : before.coveredUntil - parseDuration(source.overlap) - CLOCK_TOLERANCE
    const marked = before.bookmark !== undefined && before.bookmark.at <= (before.coveredUntil ?? -Infinity)
    assertSame(
      {since: first.since, bookmark: first.bookmark},
      {since, bookmark: marked ? before.bookmark.value : null},
      `run ${run} goes on where the commits end`,
    )
  }

  position(): Position {
    return {coveredUntil: this.#coveredUntil, bookmark: this.#bookmark}
  }

  async #newEvents(): Promise<readonly LoggedEvent[]> {
    const {database, tables, job} = this.#options
    const ofJob = job === undefined ? '' : `AND correlation_id LIKE '${job}-%'`
    const rows = await query(
      database,
      `SELECT event_id, event_type, correlation_id, object_type, source_system, status, error_message, idem_key, payload,
              epoch_ms(created_at)::DOUBLE AS at
       FROM ${tables.eventLog}
       WHERE source_system IN ('lorchestra', '${this.#options.sourceSystem}') ${ofJob}
         AND event_type NOT LIKE 'schema.%' ORDER BY rowid`,
    )
    assert(rows.length >= this.#events, `events vanished: ${rows.length} of ${this.#events} are left`)
    const added = rows.slice(this.#events)
    this.#events = rows.length
    return added.map((row) => ({
      type: String(row['event_type']),
      run: String(row['correlation_id']),
      objectType: String(row['object_type']),
      at: Number(row['at']),
      status: String(row['status']),
      error: row['error_message'] === null ? null : String(row['error_message']),
      idemKey: row['idem_key'] === null ? null : String(row['idem_key']),
      payload: row['payload'] === null ? null : (JSON.parse(String(row['payload'])) as Payload),
    }))
  }

  #follow(events: readonly LoggedEvent[]): void {
    const queue = [...events]
    for (let event = queue[0]; event !== undefined; event = queue[0]) {
      if (event.type === 'job.started') this.#start(queue.splice(0, 1)[0] ?? event)
      else if (event.type === 'job.failed') this.#fail(queue.splice(0, 1)[0] ?? event, queue[0])
      else if (event.type === 'ingestion.failed') this.#failStream(queue.splice(0, 1)[0] ?? event, queue[0])
      else if (event.type === 'job.completed') this.#end(queue.splice(0, 1)[0] ?? event)
      else this.#commit(takeCommit(queue))
    }
  }

  #start(event: LoggedEvent): void {
    const before = this.lastRun
    assert(
      before === undefined || before.ended !== undefined,
      `run ${event.run} began, but run ${before?.id ?? ''} was neither ended nor taken over`,
    )
    this.#runs.push({
      id: event.run,
      label: this.#label,
      startedAt: event.at,
      counts: noCounts(),
      commits: 0,
      ended: undefined,
    })
    this.#keysAtStart = new Set(this.#rows.keys())
  }

  #fail(event: LoggedEvent, next: LoggedEvent | undefined): void {
    const dead = this.lastRun
    assert(dead?.id === event.run && dead.ended === undefined, `job.failed of ${event.run}, which was not under way`)
    if (this.#options.mayFail?.test(event.error ?? '') === true) {
      dead.ended = 'failed'
      return
    }
    assert(next?.type === 'job.started', `the taker of run ${event.run} did not begin with it`)
    assert(
      event.status === 'failed' && event.error?.includes(`taken over by ${next.run}`) === true,
      `job.failed of ${event.run} says ${String(event.error)}`,
    )
    dead.ended = 'failed'
  }

  #failStream(event: LoggedEvent, next: LoggedEvent | undefined): void {
    const {mayFail} = this.#options
    assert(mayFail?.test(event.error ?? '') === true, `ingestion.failed of ${event.run} says ${String(event.error)}`)
    assert(
      next?.run === event.run && (next.type === 'ingestion.failed' || next.type === 'job.failed'),
      `run ${event.run} went on after its source had failed`,
    )
  }

  #end(event: LoggedEvent): void {
    const run = this.lastRun
    assert(run?.id === event.run && run.ended === undefined, `job.completed of ${event.run}, which was not under way`)
    assertSame(event.payload?.counts, run.counts, `the counts in job.completed of ${run.id}`)
    run.ended = 'completed'
  }

  #commit(commit: readonly LoggedEvent[]): void {
    const run = this.lastRun
    const completed = commit.filter(({type}) => type === 'ingestion.completed')
    const [first] = completed
    assert(
      first !== undefined && isDeepStrictEqual(completed.map(({objectType}) => objectType).toSorted(), [...STREAMS]),
      `events of a part of a commit: ${commit.map(({type, objectType}) => `${type} ${objectType}`).join(', ')}`,
    )
    assert(run !== undefined && run.ended === undefined, `a commit of run ${first.run}, which is not under way`)
    assert(
      commit.every((event) => event.run === run.id),
      `events of several runs in one commit of ${run.id}`,
    )
    const window = windowOf(first)
    const calls = this.#callsOf(run.label, window)
    for (const stream of STREAMS) {
      const event = completed.find(({objectType}) => objectType === stream)
      assertSame(event === undefined ? undefined : windowOf(event), window, `the window of ${stream}`)
      const expected = this.#apply(stream, run, calls, commit)
      assertSame(event?.payload?.counts, expected, `the counts of ${stream} in commit ${run.commits + 1} of ${run.id}`)
      for (const [name, count] of Object.entries(expected) as [keyof Counts, number][]) run.counts[name] += count
    }
    run.commits += 1
    this.#advance(window, first.payload?.bookmark, run)
  }

  /** The calls of `extract` that a commit's window is made of. */
  #callsOf(run: string, window: Window): readonly Call[] {
    const since = window.since ?? -Infinity
    const calls = this.#calls.filter(
      (call) => call.run === run && (call.since ?? -Infinity) >= since && call.until <= window.until,
    )
    assertSame(calls.at(0)?.since, window.since, `a commit's first slice in ${run}`)
    assertSame(calls.at(-1)?.until, window.until, `a commit's last slice in ${run}`)
    for (const [index, call] of calls.entries()) {
      const previous = calls[index - 1]
      if (previous !== undefined) assertSame(call.since, previous.until, `slices of ${run} that touch`)
    }
    return calls
  }

  #apply(stream: StreamName, run: RunSeen, calls: readonly Call[], commit: readonly LoggedEvent[]): Counts {
    const {world, sourceSystem} = this.#options
    const counts = noCounts()
    const last = new Map<string, string>()
    const removed: string[] = []
    const unreadable: string[] = []
    let keyed = 0
    for (const call of calls) {
      const reading = world.read(call.bookmark ?? call.since ?? 0, call.until, call.asOf)[stream]
      removed.push(...reading.removed.map((id) => keyOf(stream, sourceSystem, id)))
      unreadable.push(...reading.unreadable)
      for (const record of reading.records) {
        const id = record['id']
        counts.listed += 1
        const key = typeof id === 'string' ? keyOf(stream, sourceSystem, id) : undefined
        if (stream === 'mail' && key !== undefined && this.#keysAtStart.has(key)) counts.known += 1
        else counts.extracted += 1
        if (key === undefined) counts.rejected += 1
        else if (stream !== 'mail' || !this.#keysAtStart.has(key)) {
          keyed += 1
          last.set(key, JSON.stringify(record))
        }
      }
    }
    counts.listed += unreadable.length
    counts.rejected += unreadable.length
    counts.deleted += removed.length
    counts.duplicates = keyed - last.size
    for (const [key, payload] of last) {
      const before = this.#rows.get(key)
      counts[before === undefined ? 'inserted' : before.payload === payload ? 'unchanged' : 'updated'] += 1
      this.#rows.set(key, {payload, firstSeen: before?.firstSeen ?? run.startedAt, lastSeen: run.startedAt})
    }
    const own = commit.filter(({objectType}) => objectType === stream)
    const rejects = own.filter(({type}) => type === 'record.rejected')
    const deletions = own.filter(({type}) => type === 'object.deleted').map(({idemKey}) => String(idemKey))
    assertSame(deletions.toSorted(), removed.toSorted(), `object.deleted of ${run.id}`)
    assert(rejects.length === counts.rejected, `${rejects.length} rejects instead of ${counts.rejected} in ${run.id}`)
    const references = rejects.map(({payload}) => payload?.reference ?? '').filter((text) => text.startsWith('u'))
    assertSame(references.toSorted(), unreadable.toSorted(), `record.rejected of ${run.id}`)
    return counts
  }

  #advance(window: Window, bookmark: Payload['bookmark'], run: RunSeen): void {
    const covers = window.since === null || window.since <= (this.#coveredUntil ?? -Infinity)
    assert(covers, `run ${run.id} left a gap before its commit`)
    const expected = this.#expectedBookmark(run)
    assertSame(
      bookmark === undefined ? undefined : {value: bookmark.value, at: Date.parse(bookmark.at)},
      expected,
      `the bookmark of ${run.id}`,
    )
    this.#bookmark = expected
    this.#coveredUntil = Math.max(window.until, this.#coveredUntil ?? -Infinity)
  }

  #expectedBookmark(run: RunSeen): {value: number; at: number} | undefined {
    if (!this.#options.source.changeFeed) return undefined
    const readChanges = this.#calls.some((call) => call.run === run.label && call.bookmark !== null)
    const marked = {value: run.startedAt, at: run.startedAt}
    return readChanges ? marked : (this.#bookmark ?? marked)
  }

  async #compareRows(): Promise<void> {
    const {database, tables, sourceSystem} = this.#options
    const rows = await query(
      database,
      `SELECT idem_key, source_system, object_type, external_id, payload,
              epoch_ms(first_seen)::DOUBLE AS first_seen, epoch_ms(last_seen)::DOUBLE AS last_seen
       FROM ${tables.rawObjects} WHERE source_system = '${sourceSystem}'`,
    )
    for (const row of rows) {
      const [key, type, system, id] = ['idem_key', 'object_type', 'source_system', 'external_id'].map((name) =>
        String(row[name]),
      )
      assert(key === keyOf(type ?? '', system ?? '', id ?? ''), `the key ${key ?? ''} of another stream or id`)
    }
    compareRows(rowsByKey(rows), this.#rows)
  }
}

export interface Position {
  readonly coveredUntil: number | null
  readonly bookmark: {readonly value: number; readonly at: number} | undefined
}

interface Window {
  readonly since: number | null
  readonly until: number
}

export function rowsByKey(rows: Rows): ReadonlyMap<string, ModelRow> {
  const byKey = new Map<string, ModelRow>()
  for (const row of rows) {
    const key = String(row['idem_key'])
    assert(!byKey.has(key), `two rows for ${key}`)
    byKey.set(key, {
      payload: JSON.stringify(JSON.parse(String(row['payload']))),
      firstSeen: Number(row['first_seen']),
      lastSeen: Number(row['last_seen']),
    })
  }
  return byKey
}

export function compareRows(found: ReadonlyMap<string, ModelRow>, expected: ReadonlyMap<string, ModelRow>): void {
  for (const [key, row] of expected) {
    assert(found.has(key), `the row of ${key} is missing (of ${expected.size}, ${found.size} are there)`)
    assertSame(found.get(key), row, `the row of ${key}`)
  }
  for (const key of found.keys()) assert(expected.has(key), `a row of ${key} that no commit covers`)
}

/** The events that one transaction wrote: rejects and deletions, then the completions. */
function takeCommit(queue: LoggedEvent[]): readonly LoggedEvent[] {
  const isCompletion = ({type}: LoggedEvent): boolean => type === 'ingestion.completed'
  const first = queue.findIndex(isCompletion)
  const end = first === -1 ? queue.length : first + STREAMS.length
  return queue.splice(0, end)
}

const windowOf = ({payload}: LoggedEvent): Window => ({
  since: typeof payload?.window.since === 'string' ? Date.parse(payload.window.since) : null,
  until: Date.parse(payload?.window.until ?? ''),
})

async function readCalls(path: string): Promise<readonly Call[]> {
  try {
    const lines = (await readFile(path, 'utf8')).split('\n').slice(0, -1)
    return lines.map((line) => JSON.parse(line) as Call)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}

export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new Error(message)
}

export function assertSame(found: unknown, expected: unknown, what: string): void {
  if (isDeepStrictEqual(found, expected)) return
  const text = (value: unknown): string => inspect(value, {depth: 4, breakLength: Infinity}).slice(0, 300)
  throw new Error(`${what}: ${text(found)} instead of ${text(expected)}`)
}
