import {mkdir} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {dropTestTables} from '../../../src/sink/beside-runs.ts'
import type {StreamState} from '../../../src/warehouse/warehouse.ts'
import {duckDBUnderTest} from '../duckdb-under-test.ts'
import {withRunMode} from '../run-mode.ts'
import {databaseIn, PRODUCTION, SCOPE, TEST} from '../scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from '../scripted-source.ts'
import type {StoredRow} from '../warehouse-contract.ts'
import {runAndKill, type Ended, type Trigger} from './killed-process.ts'
import {assert, assertSame} from './oracle.ts'
import type {PromotionOrder, PromotionSaid} from './promoting-child.ts'
import type {Random} from '../random.ts'
import {mendIfTorn} from './torn-metadata.ts'

const CHILD = fileURLToPath(new URL('promoting-child.ts', import.meta.url))
const COMPILE_CACHE = join(tmpdir(), 'lorchestra-chaos-compile-cache')
const DAY = 86_400_000
const IDS = 40
const MOST_KILLS_OF_ONE = 5

export interface PromotionCounts {
  promotions: number
  kills: number
  /** Kills after which production held the promotion already. */
  promoted: number
  /** Kills within DuckDB's own checkpoint that the next writer mended. */
  torn: number
}

interface Production {
  readonly rows: readonly StoredRow[]
  readonly states: readonly StreamState[]
}

/**
 * Promotions that are killed, at a random moment or at a statement, and tried again until one comes to its end. After each kill
 * production holds what it held before, or all of the promotion, rows and coverage; and then the next run reads on from there.
 */
export class PromotionCampaign {
  readonly #random: Random
  readonly #folder: string
  readonly #counts: PromotionCounts
  #source: ScriptedRecord[] = []
  #usual = 1000
  #said: PromotionSaid = {page: 0, statement: 20, COMMIT: 1, CHECKPOINT: 1, close: 2}

  constructor(random: Random, folder: string, counts: PromotionCounts) {
    this.#random = random
    this.#folder = folder
    this.#counts = counts
  }

  /** Goes on until so many were killed. */
  async run(kills: number): Promise<void> {
    const end = this.#counts.kills + kills
    while (this.#counts.kills < end) {
      await this.#testAndPromote(end)
      this.#counts.promotions += 1
    }
  }

  async #testAndPromote(end: number): Promise<void> {
    await this.#test()
    const before = await this.#look(PRODUCTION)
    const after = promoted(before, await this.#look(TEST))
    for (let attempt = 1; ; attempt += 1) {
      const isKilled = attempt <= MOST_KILLS_OF_ONE && this.#counts.kills < end
      const trigger = isKilled ? this.#trigger() : ({kind: 'never'} as const)
      const {killed, code, stdout, stderr} = await this.#promote(trigger)
      if (killed && (await mendIfTorn(databaseIn(this.#folder)))) this.#counts.torn += 1
      const found = await this.#look(PRODUCTION)
      const isPromoted = same(found, after)
      const what = `promotion ${this.#counts.promotions + 1}, attempt ${attempt}, ${JSON.stringify(trigger)}`
      if (!isPromoted) assertSame(found, before, `production after ${what}; ${stderr}`)
      if (killed) {
        this.#counts.kills += 1
        if (isPromoted) this.#counts.promoted += 1
        continue
      }
      assert(isPromoted, `${what} ended with ${code} and promoted nothing: ${stderr}`)
      // One that was killed after its commit is not done twice.
      if (code === 0) this.#said = JSON.parse(stdout.split('\n').at(-1) ?? '') as PromotionSaid
      else assert(stderr.includes('promoted before'), `${what} was refused: ${stderr}`)
      break
    }
    await this.#readOn()
  }

  /** Changes what the source holds, and reads it into test tables that hold nothing. */
  async #test(): Promise<void> {
    await withRunMode('test-table', async () =>
      dropTestTables({warehouse: this.#under.open(), production: PRODUCTION}, 'test-table'),
    )
    const {error} = await this.#under.run({...this.#nextRun(), mode: 'test-table', request: {full: true}})
    assert(error === undefined, `a test run failed: ${String(error)}`)
  }

  #nextRun() {
    for (let change = this.#random.integer(1, IDS); change > 0; change -= 1) {
      const id = `r${this.#random.integer(1, IDS)}`
      this.#source = this.#source.filter((one) => one.id !== id)
      this.#source.push({id, at: Date.now() - this.#random.integer(1, DAY), n: this.#random.integer(1, 1e6)})
    }
    return {source: scriptedSource(() => this.#source)}
  }

  /** A run in production finds nothing that it has to read again. */
  async #readOn(): Promise<void> {
    const {error, counts} = await this.#under.run({source: scriptedSource(() => this.#source)})
    assert(error === undefined, `the run after it failed: ${String(error)}`)
    assertSame([counts.inserted, counts.updated], [0, 0], 'what the run after it had to write')
  }

  async #promote(trigger: Trigger): Promise<Ended> {
    const order: PromotionOrder = {folder: this.#folder, ...(trigger.kind === 'self' && {kill: trigger.kill})}
    const spool = join(this.#folder, 'spool')
    await mkdir(spool, {recursive: true})
    const ended = await runAndKill({
      args: [CHILD, JSON.stringify(order)],
      cwd: this.#folder,
      env: {PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE},
      folder: this.#folder,
      spool,
      trigger,
      usual: this.#usual,
    })
    if (!ended.killed) this.#usual = (this.#usual + ended.milliseconds) / 2
    return ended
  }

  #trigger(): Trigger {
    const random = this.#random
    if (random.chance(0.4)) return {kind: 'time', share: random.next() * 1.1}
    const at = random.pick<keyof PromotionSaid>(['statement', 'statement', 'COMMIT', 'COMMIT', 'CHECKPOINT', 'close'])
    const occurrence = random.integer(1, Math.max(1, this.#said[at]))
    return {
      kind: 'self',
      kill: {at, occurrence, when: random.pick(['before', 'during', 'after']), during: random.integer(0, 5)},
    }
  }

  async #look(tables: typeof PRODUCTION): Promise<Production> {
    return {
      rows: await this.#under.stored(tables.rawObjects),
      states: await this.#under.open().readStreamStates(tables, [SCOPE]),
    }
  }

  get #under() {
    return duckDBUnderTest(this.#folder)
  }
}

/** Gives what production holds once the test tables, which hold later readings, were promoted. */
function promoted({rows, states}: Production, test: Production): Production {
  const all = new Map(rows.map((row) => [row.key, row]))
  for (const row of test.rows) {
    const former = all.get(row.key)
    if (former === undefined) all.set(row.key, row)
    else if (JSON.stringify(former.payload) !== JSON.stringify(row.payload))
      all.set(row.key, {...row, firstSeen: former.firstSeen})
  }
  const [state, tested] = [states[0], test.states[0]]
  if (state === undefined || tested === undefined) throw new Error('a stream without a state')
  return {
    rows: [...all.values()].toSorted((one, other) => (one.key < other.key ? -1 : 1)),
    states: [{...tested, schema: state.schema.length === 0 ? tested.schema : state.schema}],
  }
}

/** What the shape of records is, and when somebody was heard of, is no matter here. */
const same = (one: Production, other: Production): boolean => shown(one) === shown(other)
const shown = ({rows, states}: Production): string =>
  JSON.stringify([rows, states.map(({covered, identity}) => [covered, identity])])
