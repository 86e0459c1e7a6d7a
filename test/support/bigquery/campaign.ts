import {outcomeOf} from '../../../src/base/errors.ts'
import type {JsonObject} from '../../../src/source.ts'
import {assert, assertSame} from '../chaos/oracle.ts'
import {Random} from '../random.ts'
import {startApart, type EndedApart} from '../run-apart.ts'
import type {Emulator} from './emulator.ts'
import {refusal, startFaultyService, type Fault, type FaultyService} from './faulty-service.ts'
import {JobsRule} from './stub/jobs.ts'
import {OneSourceRowPerMatch, WholeDefinitions} from './stub/rules.ts'
import {startStub, type Stub} from './stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from './under-test.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const DAYS = 6
const KEYS_A_DAY = 4
/** When the first run begins: all records are older. */
const FIRST_RUN = 30 * DAY
const KEY = 'thing:scripted--acct1:'
/** A tenth of what runs have, for answers and between attempts. */
const IDLE_TIMEOUT = 6000

export interface Campaign {
  readonly emulator: Emulator
  readonly seed: number
  /** Empty. */
  readonly folder: string
  readonly runs: number
  /** Whether requests may be left without an answer. */
  readonly hangs: boolean
  readonly onRun: (end: RunEnd) => void
}

export type RunEnd = 'killed' | 'done' | 'failed'

interface Trouble {
  /** Of requests that meet with a fault. */
  readonly rate: number
  readonly kill?: {readonly request: number; readonly served: boolean}
  /** From this request on nothing is allowed any more. */
  readonly forbiddenFrom?: number
}

/**
 * A table through many runs of one stream, each of them with faults of the service at random and some killed. Every
 * run reads all records again, so that the event log says for every row which commit wrote it last.
 */
export async function runBigQueryCampaign({emulator, seed, folder, runs, hangs, onRun}: Campaign): Promise<void> {
  const random = new Random(seed)
  const jobs = new JobsRule()
  const stub = await startStub(emulator.url, [jobs, new OneSourceRowPerMatch(emulator.url), new WholeDefinitions()])
  const service = await startFaultyService(stub.url)
  try {
    const underTest = await bigQueryUnderTest({emulator: {...emulator, url: stub.url}, folder, endpoint: service.url})
    await underTest.createProduction()
    const table = new TableUnderFaults({random, stub, service, underTest, jobs, folder, hangs})
    for (let run = 1; run <= runs; run += 1) {
      const trouble = run === runs ? {rate: 0} : troubleOf(random)
      try {
        onRun(await table.run(run, trouble))
      } catch (error) {
        const message = error instanceof Error ? error.message : 'unknown'
        throw new Error(`run ${run} with ${JSON.stringify(trouble)}: ${message}`, {cause: error})
      }
    }
  } finally {
    await service.close()
    await jobs.settled()
    await stub.close()
  }
}

function troubleOf(random: Random): Trouble {
  const rate = random.pick([0, 0.02, 0.05, 0.15])
  const dice = random.next()
  if (dice < 0.45) return {rate, kill: {request: random.integer(1, 60), served: random.chance(0.5)}}
  if (dice < 0.6) return {rate, forbiddenFrom: random.integer(1, 60)}
  return {rate: random.pick([0.05, 0.15, 0.3])}
}

interface TableOptions {
  readonly random: Random
  readonly stub: Stub
  readonly service: FaultyService
  readonly underTest: BigQueryUnderTest
  readonly jobs: JobsRule
  readonly folder: string
  readonly hangs: boolean
}

class TableUnderFaults {
  readonly #options: TableOptions

  constructor(options: TableOptions) {
    this.#options = options
  }

  async run(number: number, trouble: Trouble): Promise<RunEnd> {
    const {random, service, underTest, jobs} = this.#options
    const runId = `run-${String(number).padStart(4, '0')}`
    const process = startApart({
      folder: this.#options.folder,
      bigQuery: {...underTest.connection, idleTimeout: IDLE_TIMEOUT},
      runId,
      now: FIRST_RUN + number * HOUR,
      records: recordsFor(runId),
      slice: '1d',
      commitAfter: {records: random.pick([1, 10, 1000]), milliseconds: 1e9},
      request: {full: true},
    })
    let requests = 0
    service.faults = () => {
      requests += 1
      const {kill, forbiddenFrom = Infinity} = trouble
      if (kill?.request === requests) {
        process.child.kill('SIGKILL')
        return kill.served ? 'reset after' : 'reset before'
      }
      if (requests >= forbiddenFrom) return refusal(403, 'accessDenied', 'Access Denied: not any more')
      return random.chance(trouble.rate) ? this.#fault() : undefined
    }
    await process.ready
    process.go()
    const ended = await process.ended
    service.faults = () => undefined
    // What was accepted of a dead run may still be under way when the next one begins.
    if (ended === undefined && random.chance(0.4)) return 'killed'
    await jobs.settled()
    await this.#assertAsTheLogSays()
    return this.#endOf(ended, trouble)
  }

  #fault(): Fault {
    const {random, hangs} = this.#options
    if (hangs && random.chance(0.01)) return 'hang'
    return random.pick<Fault>([
      'reset before',
      'reset after',
      refusal(503, 'backendError'),
      refusal(500, 'internalError'),
      refusal(429, 'rateLimitExceeded'),
      refusal(403, 'rateLimitExceeded'),
    ])
  }

  async #endOf(ended: EndedApart | undefined, {rate, forbiddenFrom}: Trouble): Promise<RunEnd> {
    if (ended === undefined) return 'killed'
    if (ended.outcome === 'done') {
      const left = (await this.#options.underTest.tables()).filter((name) => name.startsWith('lorchestra_lease_'))
      assertSame(left, [], 'leases after a run that ended well')
      return 'done'
    }
    assert(rate > 0 || forbiddenFrom !== undefined, `a run that nothing disturbed: ${ended.message}`)
    assert(ended.outcome === outcomeOf(new Error('any')), `it ended as ${ended.outcome}: ${ended.message}`)
    return 'failed'
  }

  /** Plays every commit that the log holds, in the order of the runs, and compares. */
  async #assertAsTheLogSays(): Promise<void> {
    const {underTest} = this.#options
    const logged = await underTest.logged()
    const completed = logged
      .filter(({type}) => type === 'ingestion.completed')
      .map(({runId, payload}) => ({runId, ...(payload as unknown as CompletedPayload)}))
      .toSorted((one, other) => orderOf(one) - orderOf(other))
    const rows = new Map<string, ModelRow>()
    for (const {runId, window, counts} of completed) {
      const expected = play(rows, runId, window)
      const {inserted, updated, unchanged, duplicates} = counts
      const what = `the counts of ${runId} until ${window.until}`
      assertSame({inserted, updated, unchanged, duplicates}, expected, what)
    }
    const stored = await underTest.stored()
    assertSame(
      stored.map(({key, payload, firstSeen, lastSeen}) => ({key, payload, firstSeen, lastSeen})),
      [...rows].map(([key, row]) => ({key, ...row})).toSorted((one, other) => (one.key < other.key ? -1 : 1)),
      'the rows',
    )
    const [events] = await underTest.query('SELECT COUNT(*) AS n, COUNT(DISTINCT event_id) AS ids FROM {event_log}')
    assert(events?.['n'] === events?.['ids'], `an event was written twice: ${JSON.stringify(events)}`)
  }
}

interface CompletedPayload {
  readonly window: {readonly since: string | null; readonly until: string}
  readonly counts: Readonly<Record<string, number>>
}

interface ModelRow {
  readonly payload: object
  readonly firstSeen: number
  readonly lastSeen: number
}

interface ChaosRecord extends JsonObject {
  readonly id: string
  readonly at: number
}

/** Half of the records say which run read them, so every run changes them; some come twice. */
function recordsFor(runId: string): readonly ChaosRecord[] {
  const records: ChaosRecord[] = []
  for (let number = 0; number < DAYS * KEYS_A_DAY; number += 1) {
    const at = Math.floor(number / KEYS_A_DAY) * DAY + (number % KEYS_A_DAY) * HOUR
    const record = {id: String(number).padStart(3, '0'), at, text: 'l\u2028"\\{{projectId}}'}
    if (number % 5 === 0) records.push({...record, run: 'an earlier copy'})
    records.push(number % 2 === 0 ? {...record, run: runId} : record)
  }
  return records
}

function play(rows: Map<string, ModelRow>, runId: string, {since, until}: CompletedPayload['window']) {
  const counts = {inserted: 0, updated: 0, unchanged: 0, duplicates: 0}
  const [from, to] = [since === null ? -Infinity : Date.parse(since), Date.parse(until)]
  const inside = recordsFor(runId).filter(({at}) => from <= at && at < to)
  const last = new Map(inside.map((record) => [record.id, record]))
  counts.duplicates = inside.length - last.size
  const lastSeen = FIRST_RUN + Number(runId.slice(4)) * HOUR
  for (const [id, payload] of last) {
    const before = rows.get(KEY + id)
    if (before === undefined) counts.inserted += 1
    else if (JSON.stringify(before.payload) === JSON.stringify(payload)) counts.unchanged += 1
    else counts.updated += 1
    rows.set(KEY + id, {payload, firstSeen: before?.firstSeen ?? lastSeen, lastSeen})
  }
  return counts
}

const orderOf = ({runId, window}: {readonly runId: string} & Pick<CompletedPayload, 'window'>): number =>
  Number(runId.slice(4)) * 1e14 + Date.parse(window.until)
