import {expect} from 'chai'

import {codeOf} from '../../src/base/errors.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {promoteJob} from '../../src/run/promote-job.ts'
import {seedJob} from '../../src/run/seed-job.ts'
import {dropTestTables} from '../../src/sink/beside-runs.ts'
import type {StreamScope} from '../../src/warehouse/warehouse.ts'
import {Random, seedFromEnvironment} from './random.ts'
import {apply, planOf} from './planned-run.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, TEST, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {undo} from './undoing.ts'
import type {StoredRow, WarehouseUnderTest} from './warehouse-contract.ts'

const ACCOUNTS = ['one', 'two'] as const
const IDS = 8
const STEPS = [
  'run',
  'run',
  'limited',
  'test',
  'test',
  'seed',
  'promote',
  'promote',
  'drop',
  'undo',
  'undo',
  'plan',
] as const
const MINUTE = 60_000
const SLICES = ['1m', '5m', '400d'] as const
/** A commit that asks for it is as small as this. */
const FEW_RECORDS = 2

interface Content {
  /** The record was changed then; milliseconds. */
  readonly at: number
  readonly n: number
}
/** The records by their ids. */
type Contents = ReadonlyMap<string, Content>

/** A run, a promotion or an applied plan of an account, with what production held of it before. */
interface Written {
  readonly runId: string
  readonly before: Production
  readonly isPromotion: boolean
}

interface Production {
  readonly rows: readonly StoredRow[]
  readonly states: unknown
}

interface Outcome {
  /** What the tables hold where it ends well; missing: it must be refused. */
  readonly done?: {readonly production?: Contents; readonly test?: Contents}
  /** It may be refused as well, and then changes nothing. */
  readonly refusable?: boolean
}

interface Scale {
  readonly sequences: number
  readonly steps: number
  /** Makes an emulator remember what the table holds, which the service itself always does. */
  readonly remember?: () => Promise<void>
}

/** What all ways to write production promise together, on every warehouse. `SEED` and `SEQUENCES` repeat or lengthen it. */
export function describeLoop(warehouse: () => WarehouseUnderTest, {sequences, steps, remember}: Scale): void {
  it('leaves what a model says after each run, test run, seed, promotion, plan and undo of two accounts', async () => {
    const seed = seedFromEnvironment()
    for (let sequence = 0; sequence < Number(process.env['SEQUENCES'] ?? sequences); sequence += 1) {
      const loop = new Loop(warehouse(), new Random(seed + sequence), remember)
      for (let step = 1; step <= steps; step += 1) await loop.step(`SEED=${seed + sequence}, step ${step}`)
      await loop.clear()
    }
  })
}

class Loop {
  readonly #under: WarehouseUnderTest
  readonly #random: Random
  readonly #remember: (() => Promise<void>) | undefined
  readonly #accounts: readonly ModelOfAccount[]
  #names = 0

  constructor(under: WarehouseUnderTest, random: Random, remember?: () => Promise<void>) {
    this.#under = under
    this.#random = random
    this.#remember = remember
    loops += 1
    this.#accounts = ACCOUNTS.map((name) => new ModelOfAccount(`${name}${loops}`))
  }

  async step(said: string): Promise<void> {
    const account = this.#accounts[this.#random.integer(0, this.#accounts.length - 1)] as ModelOfAccount
    const work = this.#random.pick(STEPS)
    account.change(this.#random)
    await this.#remember?.()
    try {
      await this.#do(work, account)
      for (const each of this.#accounts) await this.#compare(each)
    } catch (error) {
      throw new Error(`${said}, ${work} of ${account.name}: ${String(error)}`, {cause: error})
    }
  }

  /** Test tables are all accounts', also those of the next sequence. */
  async clear(): Promise<void> {
    await this.#drop()
  }

  async #do(work: (typeof STEPS)[number], account: ModelOfAccount): Promise<void> {
    switch (work) {
      case 'run':
        return this.#write(account, async () => this.#read(account, this.#run(account)), {
          done: {production: merged(account.production, account.source)},
        })
      case 'limited':
        return this.#limited(account)
      case 'test': {
        account.beginTest()
        await this.#expect(account, async () => this.#read(account, this.#run(account), 'test-table'), {
          done: {test: merged(account.test, account.source)},
        })
        account.isPromotable = true
        return
      }
      case 'seed':
        return this.#seed(account)
      case 'promote':
        return this.#promote(account)
      case 'drop': {
        await this.#drop()
        return
      }
      case 'undo':
        return this.#undo(account)
      case 'plan':
        return this.#plan(account)
    }
  }

  /** Reads all, or what changed since: both store the same, because a change has the time at which it was made. */
  #run(account: ModelOfAccount): Omit<ScriptedRun, 'folder'> {
    const records = [...account.source].map(([id, {at, n}]) => ({id, at, n}))
    const full = this.#random.chance(0.4)
    return {
      source: scriptedSource(() => records, {defaults: {slice: this.#random.pick(SLICES)}}),
      account: account.name,
      start: account.begin,
      now: Date.now() + 1,
      request: {full, refetch: full && this.#random.chance(0.5)},
      commitAfter: {records: this.#random.chance(0.5) ? FEW_RECORDS : 10_000, milliseconds: 5 * MINUTE},
    }
  }

  /** A run of which a diff foretold what it did. */
  async #read(account: ModelOfAccount, run: Omit<ScriptedRun, 'folder'>, mode: RunMode = 'production'): Promise<void> {
    const foretold =
      mode === 'production' && this.#random.chance(0.4)
        ? await this.#under.run({...run, mode: 'dry-run', diffSamples: 1})
        : undefined
    const {error, counts} = await this.#under.run({...run, mode})
    expect(error).to.equal(undefined)
    if (foretold === undefined) return
    const {insert, update, unchanged, newer, duplicate} = foretold.diff?.counts ?? {}
    expect(
      {insert, update, unchanged: Number(unchanged) + Number(newer), duplicate},
      `what a diff foretold of ${account.name}`,
    ).to.deep.equal({
      insert: counts.inserted,
      update: counts.updated,
      unchanged: counts.unchanged,
      duplicate: counts.duplicates,
    })
  }

  /** It covers nothing, and which records it takes is the source's affair. */
  async #limited(account: ModelOfAccount): Promise<void> {
    const limit = this.#random.integer(1, 3)
    const before = account.production
    const run = this.#run(account)
    let stored: Contents = before
    await this.#write(
      account,
      async () => {
        await this.#read(account, {...run, request: {...run.request, limit}})
        stored = contentsOf(await this.#rows(account))
      },
      {done: {}},
    )
    for (const [id, content] of stored)
      if (!isDeepEqual(before.get(id), content)) expect(content, id).to.deep.equal(account.source.get(id))
    account.production = stored
  }

  async #seed(account: ModelOfAccount): Promise<void> {
    const isPossible = account.production.size > 0 && !account.hasTested
    await this.#expect(
      account,
      async () => {
        await withRunMode('test-table', async () =>
          seedJob({...this.#place(), scopes: [account.scope], mode: 'test-table', estimated: () => {}}),
        )
        account.beginTest()
        account.isSeeded = true
      },
      isPossible ? {done: {test: account.production}, refusable: true} : {},
    )
  }

  async #promote(account: ModelOfAccount): Promise<void> {
    const skips = this.#random.chance(0.3)
    const wasWritten = account.since().some(({isPromotion}) => !isPromotion)
    const [former, later] =
      skips && wasWritten ? [account.test, account.production] : [account.production, account.test]
    const isSure = account.isPromotable && account.testedSinceWrite && !account.isSeeded && (skips || !wasWritten)
    await this.#write(
      account,
      async () => {
        await withRunMode('production', async () =>
          promoteJob({
            ...this.#place(),
            scopes: [account.scope],
            diffSamples: 0,
            hiddenPaths: [],
            mode: 'production',
            changed: skips ? 'skip' : 'refuse',
          }),
        )
      },
      account.hasTested ? {done: {production: merged(former, later)}, refusable: !isSure} : {},
      true,
    )
  }

  async #drop(): Promise<void> {
    await withRunMode('test-table', async () =>
      dropTestTables({warehouse: this.#under.open(), production: PRODUCTION}, 'test-table'),
    )
    for (const account of this.#accounts) account.drop()
  }

  async #undo(account: ModelOfAccount): Promise<void> {
    if (account.written.length === 0) return
    const last = account.written.length - 1
    const index = this.#random.chance(0.6) ? last : this.#random.integer(0, last)
    const target = account.written[index] as Written
    await this.#expect(
      account,
      async () => {
        await undo(this.#under.open(), target.runId, {through: true})
      },
      {done: {production: contentsOf(target.before.rows)}},
    )
    account.undoFrom(index)
    const {rows, states} = await this.#look(account)
    expect(states, 'what is covered after an undo').to.deep.equal(target.before.states)
    expect(rows.map(({lastSeen: _, ...row}) => row)).to.deep.equal(
      target.before.rows.map(({lastSeen: _, ...row}) => row),
    )
    for (const [place, {lastSeen, key}] of rows.entries())
      expect(lastSeen, `when ${key} was last seen`).to.be.at.least(target.before.rows[place]?.lastSeen ?? Infinity)
  }

  async #plan(account: ModelOfAccount): Promise<void> {
    this.#names += 1
    const planned = account.source
    const {path, run} = await planOf(this.#under, this.#run(account), {name: `${account.name}-${this.#names}`})
    expect(run.report.error).to.equal(undefined)
    const moves = this.#random.chance(0.3)
    if (moves) await this.#do('run', account)
    await this.#write(
      account,
      async () => {
        await apply(this.#under, path)
      },
      moves ? {} : {done: {production: merged(account.production, planned)}},
    )
  }

  /** Does what writes production, and keeps what it takes to undo it. */
  async #write(
    account: ModelOfAccount,
    work: () => Promise<void>,
    outcome: Outcome,
    isPromotion = false,
  ): Promise<void> {
    const before = await this.#look(account)
    const known = new Set(await this.#committed())
    await this.#expect(account, work, outcome)
    const [runId] = (await this.#committed()).filter((id) => !known.has(id))
    if (runId === undefined) return
    account.written.push({runId, before, isPromotion})
    account.testedSinceWrite = false
    if (isPromotion) account.isPromotable = false
  }

  async #expect(account: ModelOfAccount, work: () => Promise<void>, {done, refusable}: Outcome): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (done !== undefined && refusable !== true) throw error
      if (!/^E_(PROMOTION|SEED|UNDO|PLAN)_(REFUSED|STALE)$|^E_RUN_UNKNOWN$|^E_STREAM_UNKNOWN$/.test(codeOf(error)))
        throw error
      return
    }
    expect(done, 'it was not refused').not.to.equal(undefined)
    account.production = done?.production ?? account.production
    account.test = done?.test ?? account.test
  }

  async #compare(account: ModelOfAccount): Promise<void> {
    expect(sorted(contentsOf(await this.#rows(account))), `production of ${account.name}`).to.deep.equal(
      sorted(account.production),
    )
    expect(sorted(contentsOf(await this.#rows(account, TEST.rawObjects))), `test of ${account.name}`).to.deep.equal(
      sorted(account.test),
    )
  }

  async #look(account: ModelOfAccount): Promise<Production> {
    return {
      rows: await this.#rows(account),
      states: await this.#under.open().readStreamStates(PRODUCTION, [account.scope]),
    }
  }

  async #rows(account: ModelOfAccount, table?: string): Promise<readonly StoredRow[]> {
    return (await this.#under.stored(table)).filter(({key}) => key.startsWith(account.keys))
  }

  async #committed(): Promise<readonly string[]> {
    const events = await this.#under.logged()
    return events.filter(({type}) => type === 'ingestion.completed').map(({runId}) => runId)
  }

  #place() {
    return {warehouse: this.#under.open(), production: PRODUCTION, maskSecrets: (text: string) => text}
  }
}

let loops = 0

/** What an account's tables hold, and what was done to them. */
class ModelOfAccount {
  readonly name: string
  readonly begin = Date.now() - 3 * MINUTE
  readonly written: Written[] = []
  source: Contents = new Map()
  production: Contents = new Map()
  test: Contents = new Map()
  /** A test run has been, even one that found nothing to read, or a seed. */
  hasTested = false
  isSeeded = false
  /** There is a test run that was not promoted. */
  isPromotable = false
  testedSinceWrite = false
  /** What was written to production before the first run into these test tables. */
  #writtenBefore = 0

  constructor(name: string) {
    this.name = name
  }

  get scope(): StreamScope {
    const stream = {sourceSystem: `scripted--${this.name}`, objectType: 'thing'}
    return {job: 'job', account: this.name, selection: 'all', stream}
  }

  get keys(): string {
    return `thing:scripted--${this.name}:`
  }

  change(random: Random): void {
    const source = new Map(this.source)
    for (let change = random.integer(0, 3); change > 0; change -= 1)
      source.set(String(random.integer(1, IDS)), {at: Date.now(), n: random.integer(1, 4)})
    this.source = source
  }

  beginTest(): void {
    if (!this.hasTested) this.#writtenBefore = this.written.length
    this.hasTested = true
    this.testedSinceWrite = true
  }

  drop(): void {
    this.test = new Map()
    this.hasTested = false
    this.isSeeded = false
    this.isPromotable = false
  }

  since(): readonly Written[] {
    return this.written.slice(this.#writtenBefore)
  }

  undoFrom(index: number): void {
    this.written.splice(index)
    this.#writtenBefore = Math.min(this.#writtenBefore, index)
    this.testedSinceWrite = false
  }
}

const merged = (one: Contents, other: Contents): Contents => new Map([...one, ...other])

const contentsOf = (rows: readonly StoredRow[]): Contents =>
  new Map(
    rows.map(({payload}) => {
      const {id, at, n} = payload as Content & {id: string}
      return [id, {at, n}]
    }),
  )

const sorted = (contents: Contents): readonly unknown[] =>
  [...contents].toSorted(([one], [other]) => one.localeCompare(other))

const isDeepEqual = (one: unknown, other: unknown): boolean => JSON.stringify(one) === JSON.stringify(other)
