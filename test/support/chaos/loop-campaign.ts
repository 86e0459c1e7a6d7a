import {mkdir, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {linkPlugin, writeExternalSource} from '../external-source.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import {runAndKill, type Ended} from './killed-process.ts'
import type {LoopWarehouse} from './loop-warehouse.ts'
import {assert, assertSame, type ModelRow} from './oracle.ts'
import type {Random} from '../random.ts'

const JOB = 'diary_entries'
const KEY = 'entry:diary:'
const IDS = 12
const COMMANDS = ['run', 'test', 'test', 'promote', 'promote', 'drop', 'undo', 'undo', 'plan'] as const
const MOST_KILLS = 4

/** All of a record but its id. */
interface Content {
  /** The record was changed then; ISO 8601. */
  readonly at: string
  readonly text: string
}

type Contents = ReadonlyMap<string, string>
type Rows = ReadonlyMap<string, ModelRow>

/** A run, a promotion or an applied plan, with what production was before it. */
interface Written {
  readonly runId: string
  readonly before: Production
  readonly isPromotion: boolean
}

interface Production {
  readonly contents: Contents
  readonly rows: Rows
  readonly coverage: unknown
}

/** How a command may end. */
interface Expected {
  /** What the tables hold where it ends well; missing: it must be refused. */
  readonly done?: {readonly production?: Contents; readonly test?: Contents}
  /** It may be refused as well, and then changes nothing. */
  readonly refusable?: true
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
}

/**
 * Runs, test runs, promotions, plans and undos in random order, as commands on one warehouse, some of them killed and given again.
 * After each of them the tables hold what they held before or what it should make of them, and an undo gives back all columns.
 */
export class LoopCampaign {
  readonly #random: Random
  readonly #folder: string
  readonly #home: string
  readonly #warehouse: LoopWarehouse
  readonly #counts: LoopCounts
  readonly #written: Written[] = []
  #source = new Map<string, string>()
  #production: Contents = new Map()
  #test: Contents = new Map()
  /** A test run has been, even one that found nothing to read. */
  #hasTested = false
  /** There is a test run that was not promoted. */
  #promotable = false
  /** What was written to production before the first run into these test tables. */
  #writtenBefore = 0
  #testedSinceWrite = false
  #usual = 1500

  private constructor({random, folder, home, warehouse, counts}: Campaign & {readonly home: string}) {
    this.#random = random
    this.#folder = folder
    this.#home = home
    this.#warehouse = warehouse
    this.#counts = counts
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
      try {
        await this.#do(work)
      } catch (error) {
        throw new Error(`step ${step + 1}, ${work}: ${error instanceof Error ? error.message : 'unknown'}`, {
          cause: error,
        })
      }
    }
    await this.#assertForetold()
  }

  async #do(work: (typeof COMMANDS)[number]): Promise<void> {
    switch (work) {
      case 'run':
        return this.#write(this.#run(), {done: {production: merged(this.#production, this.#source)}})
      case 'test': {
        if (!this.#hasTested) this.#writtenBefore = this.#written.length
        this.#hasTested = true
        await this.#command([...this.#run(), '--test-table'], {done: {test: merged(this.#test, this.#source)}})
        if (!this.#promotable) this.#testedSinceWrite = true
        this.#promotable = true
        return
      }
      case 'promote': {
        return this.#promote()
      }
      case 'drop': {
        await this.#command(['test', 'drop'], {done: {test: new Map()}})
        this.#hasTested = false
        this.#promotable = false
        return
      }
      case 'undo':
        return this.#undo()
      case 'plan':
        return this.#plan()
    }
  }

  /** Gives a run that reads all, or what changed since: both store the same, because a change has the time at which it was made. */
  #run(): readonly string[] {
    return ['run', JOB, ...(this.#random.chance(0.5) ? ['--full'] : [])]
  }

  async #promote(): Promise<void> {
    const skips = this.#random.chance(0.3)
    const wasWritten = this.#written.slice(this.#writtenBefore).some(({isPromotion}) => !isPromotion)
    const [former, later] = skips && wasWritten ? [this.#test, this.#production] : [this.#production, this.#test]
    const done = {production: merged(former, later)}
    const isSure = this.#promotable && this.#testedSinceWrite && (skips || !wasWritten)
    await this.#write(
      ['test', 'promote', JOB, ...(skips ? ['--changed', 'skip'] : [])],
      !this.#hasTested ? {} : isSure ? {done} : {done, refusable: true},
    )
  }

  async #plan(): Promise<void> {
    const planned = new Map(this.#source)
    const file = join(this.#folder, 'made.lorplan')
    await rm(file, {force: true})
    await this.#warehouse.prepare()
    const made = await this.#once([...this.#run(), '--dry-run', '--diff', '--out', file])
    assert(made.code === 0, `a plan was not made: ${made.stderr}`)
    const moves = this.#random.chance(0.3)
    if (moves) await this.#do('run')
    const apply = ['apply', file]
    await this.#write(apply, moves ? {} : {done: {production: merged(this.#production, planned)}})
  }

  async #undo(): Promise<void> {
    const index = this.#random.integer(0, this.#written.length - 1)
    const target = this.#written[index]
    if (target === undefined) return
    const undone = this.#written.slice(index)
    const {before} = target
    await this.#command(['runs', 'undo', target.runId, '--through'], {done: {production: before.contents}})
    this.#written.splice(index)
    this.#writtenBefore = Math.min(this.#writtenBefore, index)
    this.#testedSinceWrite = false
    const now = await this.#look()
    assertSame(now.coverage, before.coverage, `what is covered after an undo of ${undone.length}`)
    for (const [key, row] of before.rows) {
      const found = now.rows.get(key)
      assertSame({...found, lastSeen: 0}, {...row, lastSeen: 0}, `the row of ${key} after an undo of ${undone.length}`)
      assert((found?.lastSeen ?? 0) >= row.lastSeen, `the row of ${key} was last seen before it was`)
    }
  }

  /** Gives a command that writes production, and keeps what it takes to undo it. */
  async #write(args: readonly string[], expected: Expected): Promise<void> {
    const before = await this.#look()
    const known = new Set(await this.#warehouse.committed())
    await this.#command(args, expected)
    const runIds = (await this.#warehouse.committed()).filter((runId) => !known.has(runId))
    const [first] = runIds
    if (first === undefined) return
    const isPromotion = args[0] === 'test'
    this.#written.push({runId: first, before, isPromotion})
    this.#testedSinceWrite = false
    if (isPromotion) this.#promotable = false
  }

  /** Gives a command until it comes to its end. */
  async #command(args: readonly string[], {done, refusable}: Expected): Promise<void> {
    const before = {production: this.#production, test: this.#test}
    const after = {...before, ...done}
    let wasKilled = false
    await this.#warehouse.prepare()
    for (let attempt = 1; ; attempt += 1) {
      const isKilled = attempt <= MOST_KILLS && this.#random.chance(0.35)
      const {killed, code, stderr} = await this.#once(args, isKilled ? this.#random.next() : undefined)
      const torn = killed && (await this.#warehouse.mend())
      const found = await this.#contents()
      const isDone = done !== undefined && same(found, after)
      assert(
        isDone || same(found, before),
        `${args.join(' ')} ${killed ? 'was killed' : `ended with ${code}`}${torn ? ', torn' : ''} and left ${shown(found)} instead of ${shown(after)} or ${shown(before)}; ${stderr}`,
      )
      if (killed) {
        wasKilled = true
        this.#counts.kills += 1
        continue
      }
      if (code === 0) {
        assert(isDone, `${args.join(' ')} ended with 0, and did nothing`)
        this.#production = after.production
        this.#test = after.test
        return
      }
      this.#counts.refused += 1
      // What was killed may have been at its end already, and is not done twice.
      if (wasKilled && isDone && code === 2) {
        this.#production = after.production
        this.#test = after.test
        return
      }
      assert(done === undefined || refusable === true, `${args.join(' ')} was refused: ${stderr}`)
      assert(code === 1 || code === 2, `${args.join(' ')} ended with ${code}: ${stderr}`)
      return
    }
  }

  async #once(args: readonly string[], share?: number): Promise<Ended> {
    const startedAt = performance.now()
    const ended = await runAndKill({
      args: [PROGRAM, ...args],
      cwd: this.#folder,
      env: environmentOf(this.#home),
      folder: this.#folder,
      spool: spoolFolder(this.#home),
      trigger: share === undefined ? {kind: 'never'} : {kind: 'time from start', share},
      usual: this.#usual,
    })
    if (!ended.killed) this.#usual = (this.#usual + performance.now() - startedAt) / 2
    return ended
  }

  async #changeSource(): Promise<void> {
    for (let change = this.#random.integer(0, 4); change > 0; change -= 1)
      this.#source.set(
        String(this.#random.integer(1, IDS)),
        contentOf({at: new Date().toISOString(), text: `text ${this.#random.integer(1, 5)}`}),
      )
    const records = [...this.#source].map(([id, content]) => ({...(JSON.parse(content) as Content), id}))
    await writeFile(join(this.#folder, 'records.json'), JSON.stringify(records))
  }

  /** In the end a diff foretells what the model says. */
  async #assertForetold(): Promise<void> {
    await this.#warehouse.prepare()
    const {code, stdout, stderr} = await this.#once(['run', JOB, '--full', '--dry-run', '--diff', '--json'])
    assert(code === 0, stderr)
    const [run] = (JSON.parse(stdout) as {runs: [{diff: {counts: Record<string, number>}}]}).runs
    const {insert, update, unchanged} = run.diff.counts
    const has = (id: string, content?: string): boolean =>
      content === undefined ? this.#production.has(id) : this.#production.get(id) === content
    const all = [...this.#source]
    assertSame(
      {insert, update, unchanged},
      {
        insert: all.filter(([id]) => !has(id)).length,
        update: all.filter(([id, content]) => has(id) && !has(id, content)).length,
        unchanged: all.filter(([id, content]) => has(id, content)).length,
      },
      'what a diff foretells',
    )
  }

  async #contents(): Promise<{readonly production: Contents; readonly test: Contents}> {
    return {
      production: textsIn(await this.#warehouse.rows('raw_objects')),
      test: textsIn(await this.#warehouse.rows('test_raw_objects')),
    }
  }

  async #look(): Promise<Production> {
    const rows = await this.#warehouse.rows('raw_objects')
    return {contents: textsIn(rows), rows, coverage: await this.#coverage()}
  }

  async #coverage(): Promise<unknown> {
    const {stdout, code, stderr} = await this.#once(['warehouse', 'show', '--json'])
    assert(code === 0, stderr)
    return (JSON.parse(stdout) as {streams?: unknown}).streams
  }
}

const contentOf = ({at, text}: Content): string => JSON.stringify({at, text})

const merged = (one: Contents, other: Contents): Contents => new Map([...one, ...other])

const textsIn = (rows: Rows): Contents =>
  new Map([...rows].map(([key, {payload}]) => [key.slice(KEY.length), contentOf(JSON.parse(payload) as Content)]))

interface Tables {
  readonly production: Contents
  readonly test: Contents
}

const shown = ({production, test}: Tables): string => JSON.stringify([[...production].toSorted(), [...test].toSorted()])
const same = (one: Tables, other: Tables): boolean => shown(one) === shown(other)
