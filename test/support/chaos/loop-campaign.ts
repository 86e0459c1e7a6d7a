import {mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import {CLOCK_TOLERANCE} from '../../../src/model/clock.ts'
import {dueWindows, mergeWindows, windowAsText, windowFrom, type WindowText} from '../../../src/model/window.ts'
import {linkPlugin, writeExternalSource} from '../external-source.ts'
import {editByHand} from '../loop/by-hand.ts'
import {
  changeByReading,
  isSame,
  ModelOfAccount,
  promotionOf,
  rowsAfterUndo,
  rowsAsIn,
  type Change,
  type Content,
  type Row,
  type Rows,
  type Table,
} from '../loop/model.ts'
import {CLOCK_SHIFT} from '../loop/shifted-clock.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import type {Random} from '../random.ts'
import {runAndKill, type Ended} from './killed-process.ts'
import type {LoopEvent, LoopWarehouse} from './loop-warehouse.ts'
import {assert, assertSame} from './oracle.ts'

const JOB = 'diary_entries'
const COMMANDS = [
  'run',
  'run',
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
const MOST_KILLS = 4
const MINUTE = 60_000
/** A clock may be wrong by ten minutes; a process looks at it a moment after it was set. */
const MOST_WRONG = 9 * MINUTE
const TOO_FAR_BACK = 30 * MINUTE
/** A process takes no longer. */
const MOMENT = MINUTE
const WRONG_CLOCK = fileURLToPath(new URL('../loop/shifted-clock.ts', import.meta.url))
const SIDES = {
  production: {eventLog: 'event_log', rawObjects: 'raw_objects'},
  test: {eventLog: 'test_event_log', rawObjects: 'test_raw_objects'},
} as const
type Side = keyof typeof SIDES

/** How a command may end, and what a run that it gave the log did to the model. */
interface Work {
  readonly args: readonly string[]
  /** Asked before each attempt, as one that was killed may have done it. */
  readonly may: () => 'be done' | 'be refused' | 'be either'
  /** A run wrote this to that log. */
  readonly follow: (run: LoggedRun) => Promise<void> | void
}

interface LoggedRun {
  readonly runId: string
  readonly startedAt: number
  readonly started: LoopEvent['payload']
  readonly windows: readonly WindowText[]
}

interface Campaign {
  readonly random: Random
  /** Empty. */
  readonly folder: string
  readonly warehouse: LoopWarehouse
  readonly counts: LoopCounts
}

export interface LoopCounts {
  readonly commands: Record<string, number>
  kills: number
  refused: number
  /** Commands by a clock that was wrong. */
  wrong: number
}

/**
 * Runs, test runs, seeds, promotions, plans and undos in random order, as commands on one warehouse, some of them by a clock that is
 * wrong, some killed and given again, and rows and tables that somebody changes by hand. After each of them the tables hold what a
 * model makes of what the log tells, and what must be refused was.
 */
export class LoopCampaign {
  readonly #random: Random
  readonly #folder: string
  readonly #home: string
  readonly #warehouse: LoopWarehouse
  readonly #counts: LoopCounts
  readonly #account: ModelOfAccount
  readonly #seen = new Set<string>()
  readonly #done: string[] = []
  /** Of the test tables the one of rows was dropped by hand, and its log was not. */
  #lacksTestRows = false
  #usual = 1500
  /** So many milliseconds the clock of the next process is wrong by. */
  #wrong = 0

  private constructor({random, folder, home, warehouse, counts}: Campaign & {readonly home: string}) {
    this.#random = random
    this.#folder = folder
    this.#home = home
    this.#warehouse = warehouse
    this.#counts = counts
    this.#account = new ModelOfAccount({
      name: 'diary',
      keys: 'entry:diary:',
      begin: -Infinity,
      payloadOf: (id, content) => ({...recordOf(content), id}),
    })
  }

  static async create(campaign: Campaign): Promise<LoopCampaign> {
    const {folder, warehouse} = campaign
    const home = join(folder, 'home')
    await mkdir(home)
    await linkPlugin(await writeExternalSource({name: 'diary'}), home)
    const jobs = {[JOB]: {source: 'diary', file: 'records.json'}}
    // JSON is YAML.
    await writeFile(join(folder, 'lorchestra.yaml'), JSON.stringify({warehouse: warehouse.settings, jobs}))
    return new LoopCampaign({...campaign, home})
  }

  async run(steps: number): Promise<void> {
    for (let step = 0; step < steps; step += 1) {
      await this.#changeSource()
      const work = this.#random.pick(COMMANDS)
      this.#counts.commands[work] = (this.#counts.commands[work] ?? 0) + 1
      this.#setClock(this.#random.chance(0.7) ? 0 : this.#wrongClock())
      this.#done.push(`${step + 1}: ${work}${this.#wrong === 0 ? '' : `, ${Math.round(this.#wrong / 1000)} s wrong`}`)
      try {
        await this.#do(work)
        await this.#compare()
      } catch (error) {
        throw new Error(`${error instanceof Error ? error.message : 'unknown'}\n${this.#done.join('\n')}`, {
          cause: error,
        })
      }
    }
    this.#setClock(0)
    await this.#assertForetold()
  }

  #wrongClock(): number {
    this.#account.isSkewed = true
    this.#counts.wrong += 1
    return this.#random.chance(0.2) ? -TOO_FAR_BACK : Math.round((2 * this.#random.next() - 1) * MOST_WRONG)
  }

  #setClock(wrong: number): void {
    this.#wrong = wrong
  }

  async #do(work: (typeof COMMANDS)[number]): Promise<void> {
    switch (work) {
      case 'run':
        return this.#command(this.#reading('production', this.#run()))
      case 'test':
        return this.#command(this.#reading('test', [...this.#run(), '--test-table']))
      case 'seed':
        return this.#seed()
      case 'promote':
        return this.#promote()
      case 'drop':
        return this.#drop()
      case 'undo':
        return this.#undo()
      case 'plan':
        return this.#plan()
      case 'by hand':
        return this.#byHand()
    }
  }

  /** Gives a run that reads all, or what changed since. */
  #run(): readonly string[] {
    return ['run', JOB, ...(this.#random.chance(0.4) ? ['--full'] : [])]
  }

  #reading(side: Side, args: readonly string[]): Work {
    const account = this.#account
    return {
      args,
      may: () => (side === 'test' && this.#lacksTestRows ? 'be refused' : this.#mayRead(account[side])),
      follow: (run) => {
        const table = account[side]
        const {change, reading} = this.#changeBy(run, {table, by: side === 'test' ? 'test' : run.runId, args})
        if (side === 'test') account.tested(change, reading)
        else this.#wrote(run, change)
      },
    }
  }

  /** A run is refused where something was read later than its clock can be. */
  #mayRead({covered}: Table): ReturnType<Work['may']> {
    const latest = Math.max(...covered.map(({until}) => until))
    const reach = Date.now() + this.#wrong + CLOCK_TOLERANCE
    if (latest <= reach) return 'be done'
    return latest > reach + MOMENT ? 'be refused' : 'be either'
  }

  #changeBy(
    run: LoggedRun,
    {table, by, args, source = this.#account.source}: ChangeBy,
  ): {readonly change: Change; readonly reading: Parameters<ModelOfAccount['tested']>[1]} {
    const windows = mergeWindows(run.windows.map(windowFrom))
    const until = windows.at(-1)?.until ?? NaN
    const range = {since: -Infinity, until}
    const due = args.includes('--full') ? [range] : dueWindows(range, table.covered, CLOCK_TOLERANCE)
    assertSame(windows.map(windowAsText), due.map(windowAsText), `the windows of ${run.runId}`)
    assert(Math.abs(until - run.startedAt) < MOMENT, `${run.runId} reads up to ${new Date(until).toISOString()}`)
    const records = new Map(
      [...source].filter(([, {at}]) => windows.some(({since, until: end}) => since <= at && at < end)),
    )
    const reading = {by, now: run.startedAt, windows, records}
    return {change: changeByReading(table, reading), reading}
  }

  #wrote({runId}: LoggedRun, {former, inserted, ...after}: Change, testTables?: number): void {
    this.#account.wrote(
      {runId, by: runId, former, inserted, ...(testTables !== undefined && {testTables})},
      {rows: after.rows, covered: after.covered},
    )
  }

  async #seed(): Promise<void> {
    const account = this.#account
    const isPossible = (): boolean =>
      account.production.rows.size > 0 && !account.hasTested && account.test.rows.size === 0 && !this.#lacksTestRows
    await this.#command({
      args: ['test', 'seed', JOB],
      may: () => (isPossible() ? 'be done' : 'be refused'),
      follow: () => account.seeded(),
    })
  }

  async #promote(): Promise<void> {
    const account = this.#account
    const skips = this.#random.chance(0.3)
    const expected = (by: string) => promotionOf(account, {by, skips, lacksRows: this.#lacksTestRows})
    await this.#command({
      args: ['test', 'promote', JOB, ...(skips ? ['--changed', 'skip'] : [])],
      may: () => {
        const {done, refusable} = expected('')
        return done.length === 0 ? 'be refused' : refusable === true ? 'be either' : 'be done'
      },
      follow: async (run) => {
        const {done} = expected(run.runId)
        const found = JSON.stringify(told((await this.#rows('production')).map((row) => [row.id, row])))
        const result = done.find(({rows}) => JSON.stringify(told(rows)) === found) ?? done[0]
        assert(result !== undefined, 'a promotion was not refused')
        this.#wrote(run, result, account.testTables)
      },
    })
  }

  async #drop(): Promise<void> {
    await this.#command({args: ['test', 'drop'], may: () => 'be done', follow: () => {}})
    this.#lacksTestRows = false
    this.#account.drop()
  }

  async #plan(): Promise<void> {
    const account = this.#account
    const planned = account.source
    const file = join(this.#folder, 'made.lorplan')
    await rm(file, {force: true})
    await this.#warehouse.prepare()
    const args = this.#run()
    const may = this.#mayRead(account.production)
    const due = args.includes('--full') || this.#isAnythingDue(account.production)
    const before = account.production
    const made = await this.#once([...args, '--dry-run', '--diff', '--out', file])
    if (made.code !== 0) {
      assert(may !== 'be done', `a plan was not made: ${made.stderr}`)
      return
    }
    assert(may !== 'be refused', 'a plan was made by a clock that cannot be right')
    // Where nothing was to be read there is nothing to apply.
    if (!due) return
    const {length} = account.written
    if (this.#random.chance(0.3)) await this.#move()
    const hasMoved = account.written.length > length
    const isTouched = (id: string): boolean => !isSameRow(before.rows.get(id), account.production.rows.get(id))
    const touched = [...planned.keys()].filter(isTouched)
    await this.#command({
      args: ['apply', file],
      may: () =>
        hasMoved || account.written.length > length ? 'be refused' : touched.length === 0 ? 'be done' : 'be either',
      follow: (run) => {
        const startedAt = Date.parse((run.started['plan'] as {read_at: string}).read_at)
        const about = {table: account.production, by: run.runId, args, source: planned}
        const {change, reading} = this.#changeBy({...run, startedAt}, about)
        const broken = touched.filter((id) => reading.records.has(id))
        assert(broken.length === 0, `a plan was applied although somebody wrote to ${broken.join(', ')}`)
        this.#wrote(run, change)
      },
    })
  }

  #isAnythingDue({covered}: Table): boolean {
    return dueWindows({since: -Infinity, until: Date.now() + this.#wrong}, covered, 0).length > 0
  }

  /** Between a plan and its application. */
  async #move(): Promise<void> {
    if (this.#random.chance(0.5)) await this.#do('run')
    else this.#done.push(`  ${await editByHand(this.#warehouse, this.#random, this.#account)}`)
  }

  async #undo(): Promise<void> {
    const account = this.#account
    const index = this.#random.integer(0, account.written.length - 1)
    const target = account.written[index]
    if (target === undefined) return
    const looksBack = this.#warehouse.formerTable === undefined
    const isMayBe = account.isTampered || (looksBack && account.isEdited)
    const rowsAfter = (): Rows | undefined => rowsAfterUndo(account, account.written.slice(index))
    const isDone = (): boolean => account.written[index]?.runId !== target.runId
    await this.#command({
      args: ['runs', 'undo', target.runId, '--through'],
      may: () => {
        if (isDone()) return 'be refused'
        if (looksBack) return isMayBe ? 'be either' : 'be done'
        return rowsAfter() === undefined ? 'be refused' : isMayBe ? 'be either' : 'be done'
      },
      follow: async () => {
        const models = [rowsAfter(), account.production.rows, target.before.rows].filter((one) => one !== undefined)
        const rows = looksBack ? rowsAsIn(models, await this.#rows('production')) : rowsAfter()
        assert(rows !== undefined, 'an undo was not refused')
        account.undo(index, rows)
      },
    })
  }

  async #byHand(): Promise<void> {
    const {formerTable, makesProduction} = this.#warehouse
    const drops = [
      ...(formerTable === undefined ? [] : (['former payloads'] as const)),
      ...(makesProduction ? (['production log', 'production rows'] as const) : []),
      'test rows',
      'test log',
    ] as const
    const what = this.#random.chance(0.7) ? undefined : drops[this.#random.integer(0, drops.length - 1)]
    if (what === undefined) {
      this.#done.push(`  ${await editByHand(this.#warehouse, this.#random, this.#account)}`)
      return
    }
    this.#done.push(`  dropping ${what}`)
    await this.#dropByHand(what)
  }

  async #dropByHand(
    what: 'former payloads' | 'production log' | 'production rows' | 'test rows' | 'test log',
  ): Promise<void> {
    const account = this.#account
    const {production, test} = SIDES
    switch (what) {
      case 'former payloads': {
        await this.#dropTable(this.#warehouse.formerTable ?? '')
        account.written = account.written.map((one) => ({...one, isFormerLost: true}))
        return
      }
      case 'production log': {
        await this.#dropTable(production.eventLog)
        account.forgetProduction()
        return
      }
      case 'production rows': {
        await this.#dropTable(production.rawObjects)
        if (account.written.length > 0) {
          const {code, stderr} = await this.#once(this.#run())
          assert(code !== 0, `a run went on beside a log whose rows are gone: ${stderr}`)
          await this.#follow(() => {
            throw new Error('a run committed beside a log whose rows are gone')
          })
        }
        await this.#dropTable(production.eventLog)
        account.loseProduction()
        return
      }
      case 'test rows': {
        const isThere = (await this.#warehouse.tables()).includes(test.rawObjects)
        await this.#dropTable(test.rawObjects)
        account.loseTestRows()
        this.#lacksTestRows ||= isThere && (account.isSeeded || account.testedWindows.length > 0)
        return
      }
      case 'test log': {
        await this.#dropTable(test.eventLog)
        this.#lacksTestRows = false
        account.forgetTests()
      }
    }
  }

  async #dropTable(table: string): Promise<void> {
    if ((await this.#warehouse.tables()).includes(table)) await this.#warehouse.query(`DROP TABLE {${table}}`)
  }

  /** Gives a command until it comes to its end. */
  async #command({args, may, follow}: Work): Promise<void> {
    const said = args.join(' ')
    await this.#warehouse.prepare()
    for (let attempt = 1; ; attempt += 1) {
      const expected = may()
      const isKilled = attempt <= MOST_KILLS && this.#random.chance(0.35)
      const {killed, code, stderr} = await this.#once(args, isKilled ? this.#random.next() : undefined)
      this.#done.push(`  ${said}: ${killed ? 'killed' : `${code} ${stderr.split('\n', 1).join('')}`}`)
      if (killed) await this.#warehouse.mend()
      const followed = await this.#follow(follow)
      assert(followed === 0 || expected !== 'be refused', `${said} was not refused; ${stderr}`)
      if (killed) {
        this.#counts.kills += 1
        continue
      }
      if (code === 0) {
        assert(expected !== 'be refused', `${said} ended with 0, and should have been refused`)
        return
      }
      this.#counts.refused += 1
      assert(followed === 0, `${said} ended with ${code}, and wrote: ${stderr}`)
      assert(expected !== 'be done', `${said} was refused: ${stderr}`)
      assert(code === 1 || code === 2, `${said} ended with ${code}: ${stderr}`)
      return
    }
  }

  /** Has the model do what the logs tell that was done; answers how many runs that were. */
  async #follow(follow: Work['follow']): Promise<number> {
    const runs = [...(await this.#loggedIn('production')), ...(await this.#loggedIn('test'))]
    const fresh = runs.filter(({runId}) => !this.#seen.has(runId))
    for (const run of fresh) {
      this.#seen.add(run.runId)
      await follow(run)
    }
    return fresh.length
  }

  /** Runs that did something, in the order in which they began. */
  async #loggedIn(side: Side): Promise<readonly LoggedRun[]> {
    const runs = new Map<string, LoggedRun>()
    const did = new Set<string>()
    for (const {runId, type, at, payload} of await this.#warehouse.events(SIDES[side].eventLog)) {
      const run = runs.get(runId) ?? {runId, startedAt: at, started: {}, windows: []}
      if (type === 'job.started') runs.set(runId, {...run, startedAt: at, started: payload})
      else if (type === 'ingestion.completed')
        runs.set(runId, {...run, windows: [...run.windows, payload['window'] as WindowText]})
      if (['ingestion.completed', 'run.undone', 'tables.seeded'].includes(type)) did.add(runId)
    }
    return [...runs.values()].filter(({runId}) => did.has(runId))
  }

  async #once(args: readonly string[], share?: number): Promise<Ended> {
    const startedAt = performance.now()
    const isWrong = this.#wrong !== 0
    const ended = await runAndKill({
      args: [...(isWrong ? ['--import', WRONG_CLOCK] : []), PROGRAM, ...args],
      cwd: this.#folder,
      env: environmentOf(this.#home, isWrong ? {[CLOCK_SHIFT]: String(this.#wrong)} : {}),
      folder: this.#folder,
      spool: spoolFolder(this.#home),
      trigger: share === undefined ? {kind: 'never'} : {kind: 'time from start', share},
      usual: this.#usual,
    })
    if (!ended.killed) this.#usual = (this.#usual + performance.now() - startedAt) / 2
    return ended
  }

  async #changeSource(): Promise<void> {
    this.#account.change(this.#random)
    const records = [...this.#account.source].map(([id, content]) => ({...recordOf(content), id}))
    await writeFile(join(this.#folder, 'records.json'), JSON.stringify(records))
  }

  async #compare(): Promise<void> {
    const covered = await this.#coverage()
    for (const side of ['production', 'test'] as const) {
      const table = SIDES[side].rawObjects
      assertSame(
        (await this.#rows(side)).toSorted((one, other) => (one.id < other.id ? -1 : 1)),
        told(this.#account[side].rows),
        `the rows of ${table}`,
      )
      if (!(await this.#warehouse.tables()).includes(table)) continue
      const strange = await this.#warehouse.query(
        `SELECT idem_key FROM {${table}} WHERE idem_key IS DISTINCT FROM CONCAT(object_type, ':', source_system, ':', external_id)`,
      )
      assertSame(strange.length, 0, `the number of rows of ${table} whose columns are not of their key`)
    }
    const {production, test} = this.#account
    const modelled = {production: production.covered.map(windowAsText), test: test.covered.map(windowAsText)}
    assertSame(covered, modelled, 'what is covered')
  }

  /** In the end a diff foretells what the model says, and reads what it says. */
  async #assertForetold(): Promise<void> {
    await this.#warehouse.prepare()
    const may = this.#mayRead(this.#account.production)
    const {code, stdout, stderr} = await this.#once(['run', JOB, '--dry-run', '--diff', '--json'])
    if (code !== 0) {
      assert(may !== 'be done', stderr)
      return
    }
    const [run] = (JSON.parse(stdout) as {runs: [Foretold]}).runs
    const {insert, update} = run.diff.counts
    const logged = {runId: 'foretold', startedAt: Date.parse(run.started_at), started: {}, windows: run.windows}
    // Nothing is due where all is read up to a clock that was ahead.
    const change =
      run.windows.length === 0
        ? {inserted: 0, former: new Map<string, Row>()}
        : this.#changeBy(logged, {table: this.#account.production, by: 'foretold', args: []}).change
    assertSame({insert, update}, {insert: change.inserted, update: change.former.size}, 'what a diff foretells')
  }

  async #rows(side: Side): Promise<readonly ToldRow[]> {
    const rows = await this.#warehouse.rows(SIDES[side].rawObjects)
    return [...rows].map(([key, {payload, firstSeen, lastSeen}]) => {
      const {id, at, text} = JSON.parse(payload) as {id: string; at: string; text: string}
      assertSame(key, `${this.#account.keys}${id}`, 'the key of a row')
      return {id, at: Date.parse(at), n: Number(text), firstSeen, lastSeen}
    })
  }

  async #coverage(): Promise<Readonly<Record<Side, readonly WindowText[]>>> {
    const {stdout, code, stderr} = await this.#once(['warehouse', 'show', '--json'])
    assert(code === 0, stderr)
    const {production, test_table: test} = JSON.parse(stdout) as Record<'production' | 'test_table', ShownTables>
    return {production: production.streams[0]?.covered ?? [], test: test.streams[0]?.covered ?? []}
  }
}

interface ShownTables {
  readonly streams: readonly {readonly covered: readonly WindowText[]}[]
}

interface ChangeBy {
  readonly table: Table
  readonly by: string
  readonly args: readonly string[]
  readonly source?: ModelOfAccount['source']
}

interface Foretold {
  readonly started_at: string
  readonly windows: readonly WindowText[]
  readonly diff: {readonly counts: {readonly insert: number; readonly update: number}}
}

interface ToldRow extends Content {
  readonly id: string
  readonly firstSeen: number
  readonly lastSeen: number
}

const recordOf = ({at, n}: Content): {readonly at: string; readonly text: string} => ({
  at: new Date(at).toISOString(),
  text: String(n),
})

const told = (rows: Iterable<readonly [string, Omit<ToldRow, 'id'>]>): readonly ToldRow[] =>
  [...rows]
    .map(([id, {at, n, firstSeen, lastSeen}]) => ({id, at, n, firstSeen, lastSeen}))
    .toSorted((one, other) => (one.id < other.id ? -1 : 1))

const isSameRow = (one: Row | undefined, other: Row | undefined): boolean =>
  one === undefined || other === undefined ? one === other : isSame(one, other) && one.seenByHand === other.seenByHand
