import {expect} from 'chai'

import {asError, codeOf} from '../../src/base/errors.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {seedJob} from '../../src/run/seed-job.ts'
import {dropTestTables} from '../../src/sink/beside-runs.ts'
import {editByHand} from './loop/by-hand.ts'
import {
  changeByReading,
  ModelOfAccount,
  promotionOf,
  rowsAfterUndo,
  rowsAsIn,
  type Change,
  type Content,
  type Reading,
  type Row,
  type Rows,
  type Table,
  type Written,
} from './loop/model.ts'
import {shiftClock} from './loop/shifted-clock.ts'
import {apply, planOf} from './planned-run.ts'
import {Random, seedFromEnvironment} from './random.ts'
import {promote} from './promoting.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, TEST, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedSource} from './scripted-source.ts'
import {undo} from './undoing.ts'
import type {StreamScope} from '../../src/warehouse/warehouse.ts'
import type {ByHandUnderTest, StoredRow} from './warehouse-contract.ts'

const ACCOUNTS = ['one', 'two'] as const
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
  'by hand',
  'by hand',
] as const
const MINUTE = 60_000
const SLICES = ['1m', '5m', '400d'] as const
/** A commit that asks for it is as small as this. */
const FEW_RECORDS = 2
/** A clock may be wrong by ten minutes; a run looks at it a moment after it was set. */
const MOST_WRONG = 9.5 * MINUTE
const TOO_FAR_BACK = 30 * MINUTE
const REFUSED =
  /^E_(PROMOTION|SEED|UNDO|PLAN)_(REFUSED|STALE)$|^E_RUN_UNKNOWN$|^E_STREAM_UNKNOWN$|^E_CLOCK_WRONG$|^E_TABLE_MISSING$/

type Run = Omit<ScriptedRun, 'folder'> & {readonly source: ScriptedSource}

/** What production, or the test tables, hold where a piece of work ends well; none: it must be refused. */
interface Outcome<Result> {
  readonly done: readonly Result[] | (() => Promise<readonly Result[]>)
  /** It may be refused as well, and then changes nothing. */
  readonly refusable?: boolean
}

interface Scale {
  readonly sequences: number
  readonly steps: number
  /** The table in which what is changed is kept to undo it; there is none: the warehouse looks into its own past. */
  readonly formerTable?: string
  /** A run makes production's tables. */
  readonly makesProduction: boolean
  /** Makes an emulator remember what the table holds, which the service itself always does. */
  readonly remember?: () => Promise<void>
}

/** What all ways to write production promise together, on every warehouse. `SEED` and `SEQUENCES` repeat or lengthen it. */
export function describeLoop(warehouse: () => ByHandUnderTest, scale: Scale): void {
  afterEach(() => {
    shiftClock(0)
  })

  it('leaves what a model says after each run, test run, seed, promotion, plan, undo and work by hand of two accounts', async () => {
    const seed = seedFromEnvironment()
    for (let sequence = 0; sequence < Number(process.env['SEQUENCES'] ?? scale.sequences); sequence += 1) {
      const loop = new Loop(warehouse(), new Random(seed + sequence), scale)
      for (let step = 1; step <= scale.steps; step += 1) await loop.step(`SEED=${seed + sequence}, step ${step}`)
      await loop.clear()
    }
  })
}

class Loop {
  readonly #under: ByHandUnderTest
  readonly #random: Random
  readonly #scale: Scale
  readonly #accounts: readonly ModelOfAccount[]
  readonly #done: string[] = []
  #names = 0
  /** Of the test tables the one of rows was dropped by hand, and its log was not. */
  #lacksTestRows = false

  constructor(under: ByHandUnderTest, random: Random, scale: Scale) {
    this.#under = under
    this.#random = random
    this.#scale = scale
    loops += 1
    this.#accounts = ACCOUNTS.map((name) => accountOf(`${name}${loops}`))
  }

  async step(said: string): Promise<void> {
    const account = this.#accounts[this.#random.integer(0, this.#accounts.length - 1)] as ModelOfAccount
    const work = this.#random.pick(STEPS)
    shiftClock(0)
    account.change(this.#random)
    const wrong = this.#wrongClock()
    this.#done.push(`${work} of ${account.name}${wrong === 0 ? '' : `, ${Math.round(wrong / 1000)} s wrong`}`)
    await this.#scale.remember?.()
    try {
      shiftClock(wrong)
      await this.#do(work, account)
      shiftClock(0)
      for (const each of this.#accounts) await this.#compare(each)
      if (this.#random.chance(0.2)) await this.#assertForetold(account)
    } catch (error) {
      throw new Error(`${said}: ${String(error)}\n${this.#done.join('\n')}`, {cause: error})
    }
  }

  /** Test tables are all accounts', also those of the next sequence. */
  async clear(): Promise<void> {
    shiftClock(0)
    for (const account of this.#accounts) await this.#assertForetold(account)
    await this.#drop()
  }

  #wrongClock(): number {
    if (this.#random.chance(0.7)) return 0
    for (const account of this.#accounts) account.isSkewed = true
    return this.#random.chance(0.2) ? -TOO_FAR_BACK : Math.round((2 * this.#random.next() - 1) * MOST_WRONG)
  }

  async #do(work: (typeof STEPS)[number], account: ModelOfAccount): Promise<void> {
    switch (work) {
      case 'run':
        return this.#read(account)
      case 'limited':
        return this.#limited(account)
      case 'test':
        return this.#test(account)
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
      case 'by hand':
        return this.#byHand(account)
    }
  }

  /** Reads all, or what changed since. */
  #run(account: ModelOfAccount): Run {
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

  #reading(account: ModelOfAccount, table: Table, run: Run, by: string): Reading | undefined {
    return account.reading(table, {now: run.now ?? NaN, full: run.request?.full === true, by})
  }

  async #read(account: ModelOfAccount): Promise<void> {
    const run = this.#run(account)
    const by = this.#name()
    const reading = this.#reading(account, account.production, run, by)
    const change = reading && changeByReading(account.production, reading)
    await this.#write(account, async () => this.#give(account, run), {
      done: change === undefined ? [] : [{...change, by}],
    })
  }

  /** Gives a run of which a diff foretold what it did. */
  async #give(account: ModelOfAccount, run: Run, mode: RunMode = 'production'): Promise<void> {
    const foretold =
      mode === 'production' && this.#random.chance(0.4)
        ? await this.#under.run({...run, mode: 'dry-run', diffSamples: 1})
        : undefined
    const {error, counts} = await this.#under.run({...run, mode})
    if (error !== undefined) throw asError(error)
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
    const run = this.#run(account)
    const limited = {...run, request: {...run.request, limit}}
    const by = this.#name()
    const reading = this.#reading(account, account.production, run, by)
    if (reading === undefined) return this.#write(account, async () => this.#give(account, limited), {done: []})
    const {production} = account
    const done = async () => {
      const read = (await this.#rows(account, 'production')).filter(({lastSeen}) => lastSeen === run.now)
      expect(read.length).to.be.at.most(limit)
      const records = new Map([...reading.records].filter(([id]) => read.some((row) => row.id === id)))
      return [{...changeByReading(production, {...reading, records}), covered: production.covered, by}]
    }
    await this.#write(account, async () => this.#give(account, limited), {done})
  }

  async #test(account: ModelOfAccount): Promise<void> {
    const run = this.#run(account)
    const reading = this.#reading(account, account.test, run, 'test')
    const change = reading && changeByReading(account.test, reading)
    const isPossible = change !== undefined && !this.#lacksTestRows
    const tested = await this.#expect(account, 'test', async () => this.#give(account, run, 'test-table'), {
      done: isPossible ? [change] : [],
    })
    if (tested === undefined || reading === undefined) return
    account.tested(tested, reading)
  }

  async #seed(account: ModelOfAccount): Promise<void> {
    const isPossible =
      account.production.rows.size > 0 && !account.hasTested && account.test.rows.size === 0 && !this.#lacksTestRows
    const seeded = await this.#expect(
      account,
      'test',
      async () => {
        await this.#giveSeed(scopeOf(account))
      },
      {done: isPossible ? [account.production] : []},
    )
    if (seeded !== undefined) account.seeded()
  }

  async #giveSeed(scope: StreamScope): Promise<void> {
    await withRunMode('test-table', async () =>
      seedJob({...this.#place(), scopes: [scope], mode: 'test-table', estimated: () => {}}),
    )
  }

  async #givePromotion(scope: StreamScope, skips: boolean): Promise<void> {
    const changed = skips ? 'skip' : 'refuse'
    await promote(() => this.#under.open(), {scopes: [scope], changed})
  }

  async #promote(account: ModelOfAccount): Promise<void> {
    const skips = this.#random.chance(0.3)
    const by = this.#name()
    await this.#write(
      account,
      async () => {
        await this.#givePromotion(scopeOf(account), skips)
      },
      promotionOf(account, {by, skips, lacksRows: this.#lacksTestRows}),
      account.testTables,
    )
  }

  async #drop(): Promise<void> {
    await withRunMode('test-table', async () =>
      dropTestTables({warehouse: this.#under.open(), production: PRODUCTION}, 'test-table'),
    )
    this.#lacksTestRows = false
    for (const account of this.#accounts) account.drop()
  }

  async #undo(account: ModelOfAccount): Promise<void> {
    if (account.written.length === 0) return
    const last = account.written.length - 1
    const index = this.#random.chance(0.6) ? last : this.#random.integer(0, last)
    const target = account.written[index] as Written
    const rows = rowsAfterUndo(account, account.written.slice(index))
    const {covered} = target.before
    // What it held before is looked for in the past of the table, where nothing tells what somebody wrote by hand.
    const looksBack = this.#scale.formerTable === undefined
    const models = [rows, account.production.rows, target.before.rows].filter((model) => model !== undefined)
    const lookedBack = async () => {
      const found = rowsAsIn(models, await this.#rows(account, 'production'))
      expect(found, 'the rows after an undo').not.to.equal(undefined)
      return [{rows: found ?? new Map<string, Row>(), covered}]
    }
    const done = looksBack ? lookedBack : rows === undefined ? [] : [{rows, covered}]
    const undone = await this.#expect(
      account,
      'production',
      async () => {
        await undo(() => this.#under.open(), target.runId, {through: true})
      },
      {done, refusable: account.isTampered || (looksBack && account.isEdited)},
    )
    if (undone !== undefined) account.undo(index, undone.rows)
  }

  async #plan(account: ModelOfAccount): Promise<void> {
    const by = this.#name()
    const run = {...this.#run(account), commitAfter: {records: 10_000, milliseconds: 5 * MINUTE}}
    const reading = this.#reading(account, account.production, run, by)
    await this.#scale.remember?.()
    const planned = await planOf(this.#under, run, {name: `${account.name}-${by}`})
    if (reading === undefined || reading.windows.length === 0) {
      if (reading === undefined) expect(codeOf(planned.run.report.error)).to.equal('E_CLOCK_WRONG')
      return
    }
    if (planned.run.report.error !== undefined) throw asError(planned.run.report.error)
    const before = account.production
    const moved = this.#random.chance(0.3) ? await this.#move(account) : false
    const touched = [...reading.records.keys()].filter(
      (id) => !isSameRow(before.rows.get(id), account.production.rows.get(id)),
    )
    await this.#write(
      account,
      async () => {
        await apply(this.#under, planned.path)
      },
      moved || touched.length > 0 ? {done: []} : {done: [{...changeByReading(account.production, reading), by}]},
    )
  }

  /** Between a plan and its application; answers true where the log tells of it. */
  async #move(account: ModelOfAccount): Promise<boolean> {
    const {length} = account.written
    if (this.#random.chance(0.5)) await this.#read(account)
    else this.#done.push(await editByHand(this.#under, this.#random, account))
    return account.written.length > length
  }

  async #byHand(account: ModelOfAccount): Promise<void> {
    const drops = [
      ...(this.#scale.formerTable === undefined ? [] : (['former payloads'] as const)),
      ...(this.#scale.makesProduction ? (['production log', 'production'] as const) : []),
      'test rows',
      'test log',
    ] as const
    const what = this.#random.chance(0.7) ? undefined : drops[this.#random.integer(0, drops.length - 1)]
    this.#done.push(
      `  ${what === undefined ? await editByHand(this.#under, this.#random, account) : `dropping ${what}`}`,
    )
    if (what !== undefined) await this.#dropByHand(what)
  }

  async #dropByHand(
    what: 'former payloads' | 'production log' | 'production' | 'test rows' | 'test log',
  ): Promise<void> {
    const drop = async (table: string): Promise<void> => {
      if ((await this.#under.tables()).includes(table)) await this.#under.query(`DROP TABLE {${table}}`)
    }
    switch (what) {
      case 'former payloads': {
        await drop(this.#scale.formerTable ?? '')
        for (const account of this.#accounts)
          account.written = account.written.map((one) => ({...one, isFormerLost: true}))
        return
      }
      case 'production log': {
        await drop(PRODUCTION.eventLog)
        for (const account of this.#accounts) account.forgetProduction()
        return
      }
      case 'production': {
        await drop(PRODUCTION.rawObjects)
        if (this.#accounts.some(({written}) => written.length > 0)) await this.#assertProductionIsMissed()
        await drop(PRODUCTION.eventLog)
        for (const account of this.#accounts) account.loseProduction()
        return
      }
      case 'test rows': {
        const isThere = (await this.#under.tables()).includes(TEST.rawObjects)
        await drop(TEST.rawObjects)
        for (const account of this.#accounts) account.loseTestRows()
        this.#lacksTestRows ||=
          isThere && this.#accounts.some(({testedWindows, isSeeded}) => isSeeded || testedWindows.length > 0)
        return
      }
      case 'test log': {
        await drop(TEST.eventLog)
        this.#lacksTestRows = false
        for (const account of this.#accounts) account.forgetTests()
      }
    }
  }

  /** Of production's tables the one of rows is gone, and its log is not: whatever would go on where that ends is refused. */
  async #assertProductionIsMissed(): Promise<void> {
    for (const account of this.#accounts) {
      const {written} = account
      const scope = scopeOf(account)
      const work = [
        async () => this.#give(account, this.#run(account)),
        async () => {
          const {error} = await this.#under.run({...this.#run(account), mode: 'dry-run', diffSamples: 1})
          if (error !== undefined) throw asError(error)
        },
        async () => this.#givePromotion(scope, true),
        async () => this.#giveSeed(scope),
        ...written.map(
          ({runId}) =>
            async () =>
              undo(() => this.#under.open(), runId, {through: true}),
        ),
      ]
      for (const one of work) {
        const refusal = await codeWith(one)
        expect(refusal).to.match(REFUSED)
      }
    }
    expect(await this.#under.tables()).not.to.include(PRODUCTION.rawObjects)
  }

  /** Does what writes production, and keeps what it takes to undo it. */
  async #write(
    account: ModelOfAccount,
    work: () => Promise<void>,
    outcome: Outcome<Change & {readonly by: string}>,
    testTables?: number,
  ): Promise<void> {
    const known = new Set(await this.#committed())
    const done = await this.#expect(account, 'production', work, outcome)
    const [runId] = (await this.#committed()).filter((id) => !known.has(id))
    if (done === undefined) {
      expect(runId, 'a run that was refused and committed').to.equal(undefined)
      return
    }
    if (runId === undefined) return
    const {by, former, inserted, ...after} = done
    account.wrote({runId, by, former, inserted, ...(testTables !== undefined && {testTables})}, after)
  }

  /** Answers with what was done, of all that may be; `undefined`: it was refused. */
  async #expect<Result extends Table>(
    account: ModelOfAccount,
    of: 'production' | 'test',
    work: () => Promise<void>,
    {done, refusable}: Outcome<Result>,
  ): Promise<Result | undefined> {
    try {
      await work()
    } catch (error) {
      if (!isEmpty(done) && refusable !== true) throw asError(error)
      if (!REFUSED.test(codeOf(error))) throw asError(error)
      this.#done.push(`  refused: ${String(error)}`)
      return undefined
    }
    expect(isEmpty(done), 'it was not refused').to.equal(false)
    const found = JSON.stringify(await this.#rows(account, of))
    const results = typeof done === 'function' ? await done() : done
    const result = results.find(({rows}) => JSON.stringify(told(rows)) === found) ?? results[0]
    return result
  }

  async #compare(account: ModelOfAccount): Promise<void> {
    for (const side of ['production', 'test'] as const) {
      expect(await this.#rows(account, side), `${side} of ${account.name}`).to.deep.equal(told(account[side].rows))
      const table = side === 'production' ? PRODUCTION.rawObjects : TEST.rawObjects
      if ((await this.#under.tables()).includes(table))
        expect(
          await this.#under.query(
            `SELECT idem_key FROM {${table}} WHERE idem_key IS DISTINCT FROM CONCAT(object_type, ':', source_system, ':', external_id)`,
          ),
          `rows of ${table} whose columns are not of their key`,
        ).to.deep.equal([])
      if (side === 'test' && this.#lacksTestRows) continue
      const [state] = await this.#under
        .open()
        .readStreamStates(side === 'production' ? PRODUCTION : TEST, [scopeOf(account)])
      expect(state?.covered, `what is covered in ${side} of ${account.name}`).to.deep.equal(account[side].covered)
    }
  }

  /** What the next run would read, and make of it. */
  async #assertForetold(account: ModelOfAccount): Promise<void> {
    await this.#scale.remember?.()
    const run = this.#run(account)
    const reading = this.#reading(account, account.production, run, 'foretold')
    const {diff, error} = await this.#under.run({...run, mode: 'dry-run', diffSamples: 0})
    if (reading === undefined) {
      expect(codeOf(error), 'a clock is wrong').to.equal('E_CLOCK_WRONG')
      return
    }
    if (error !== undefined) throw asError(error)
    const {windows} = reading
    const {calls} = run.source
    expect([calls[0]?.since, calls.at(-1)?.until], 'what the next run reads').to.deep.equal([
      windows[0]?.since,
      windows.at(-1)?.until,
    ])
    const {former, inserted} = changeByReading(account.production, reading)
    const {insert, update} = diff?.counts ?? {}
    expect({insert, update}, 'what the next run does').to.deep.equal({insert: inserted, update: former.size})
  }

  /** All columns; what follows from the key must do so. */
  async #rows(account: ModelOfAccount, of: 'production' | 'test'): Promise<readonly ToldRow[]> {
    const stored = await this.#under.stored(of === 'production' ? PRODUCTION.rawObjects : TEST.rawObjects)
    return stored.filter(({key}) => key.startsWith(account.keys)).map((row) => toldOf(row, account))
  }

  async #committed(): Promise<readonly string[]> {
    const events = await this.#under.logged()
    return events.filter(({type}) => type === 'ingestion.completed').map(({runId}) => runId)
  }

  #name(): string {
    this.#names += 1
    return `write ${this.#names}`
  }

  #place() {
    return {warehouse: this.#under.open(), production: PRODUCTION, maskSecrets: (text: string) => text}
  }
}

let loops = 0

const accountOf = (name: string): ModelOfAccount =>
  new ModelOfAccount({
    name,
    keys: `thing:scripted--${name}:`,
    begin: Date.now() - 60 * MINUTE,
    payloadOf: (id, {at, n}) => ({id, at, n}),
  })

const scopeOf = ({name}: ModelOfAccount): StreamScope => {
  const stream = {sourceSystem: `scripted--${name}`, objectType: 'thing'}
  return {job: 'job', account: name, selection: 'all', stream}
}

interface ToldRow extends Content {
  readonly id: string
  readonly firstSeen: number
  readonly lastSeen: number
}

const told = (rows: Rows): readonly ToldRow[] =>
  [...rows]
    .map(([id, {at, n, firstSeen, lastSeen}]: readonly [string, Row]) => ({id, at, n, firstSeen, lastSeen}))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))

function toldOf({key, payload, firstSeen, lastSeen}: StoredRow, {keys}: ModelOfAccount): ToldRow {
  const {id, at, n} = payload as Content & {id: string}
  expect(key).to.equal(`${keys}${id}`)
  return {id, at, n, firstSeen, lastSeen}
}

const isSameRow = (one: Row | undefined, other: Row | undefined): boolean =>
  one?.at === other?.at && one?.n === other?.n && one?.seenByHand === other?.seenByHand

const isEmpty = <Result>(done: Outcome<Result>['done']): boolean => typeof done !== 'function' && done.length === 0

/** Answers with the code with which it is refused. */
async function codeWith(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
  } catch (error) {
    return codeOf(error)
  }
  return 'it was not refused'
}
