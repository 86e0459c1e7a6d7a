import {access, mkdir, readdir, readFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {fileURLToPath} from 'node:url'

import type {Counts} from '../../../src/model/counts.ts'
import type {RunMode} from '../../../src/model/run-mode.ts'
import type {TableSet} from '../../../src/model/tables.ts'
import {query} from '../database.ts'
import type {ChildOrder} from './child.ts'
import {runAndKill, type Ended, type Trigger} from './killed-process.ts'
import {assert, assertSame, compareRows, Oracle, rowsByKey, type ModelRow} from './oracle.ts'
import {Random} from '../random.ts'
import type {SelfKill} from './self-kill.ts'
import {mendIfTorn} from './torn-metadata.ts'
import type {ChaosOptions, ChaosSourceSettings} from './source.ts'
import {BEGINNING, endOfStep, STEP, World, type WorldSettings} from './world.ts'

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
/** Shared by all campaigns: a process of theirs takes half as long to start. */
const COMPILE_CACHE = join(tmpdir(), 'lorchestra-chaos-compile-cache')
const MINUTE = 60_000
const MOST_ATTEMPTS = 12
const SOURCE_SYSTEM = 'scripted--acct1'

export interface CampaignOptions {
  readonly seed: number
  /** Empty. */
  readonly folder: string
  /** Called after each kill; false: that was enough, so the rest runs undisturbed. */
  readonly onKill: (kill: Kill) => boolean
}

export interface Kill {
  readonly phase: string
  /** It tore DuckDB's own metadata, which the next run mends. */
  readonly torn: boolean
}

interface Plan {
  readonly mode: RunMode
  readonly tables: TableSet
  readonly world: WorldSettings
  readonly source: ChaosSourceSettings
  readonly commitAfter: ChildOrder['commitAfter']
  readonly pageSize: number
}

/**
 * One database from its first run to its last. Each step of the world is read by runs that are killed until one is
 * not; after each of them the database is compared with what its event log must mean, at the end with that of runs
 * which nobody disturbed.
 */
export async function runCampaign({seed, folder, onKill}: CampaignOptions): Promise<void> {
  const random = new Random(seed)
  const plan = planOf(random)
  const victim = await Victim.create(join(folder, 'killed'), plan)
  let enough = false
  for (let step = 0; step < plan.world.steps; step += 1) {
    for (let attempt = 1; ; attempt += 1) {
      const trigger = enough || attempt > MOST_ATTEMPTS ? ({kind: 'never'} as const) : triggerOf(random)
      const what = `step ${step + 1}, attempt ${attempt}, ${JSON.stringify(trigger)}`
      try {
        const kill = await victim.run(step, attempt, trigger)
        if (kill === undefined) break
        enough = !onKill(kill)
      } catch (error) {
        throw new Error(`${what}: ${error instanceof Error ? error.message : 'unknown'}`, {cause: error})
      }
    }
  }
  await compareWithUndisturbed(victim, join(folder, 'undisturbed'), plan)
}

function planOf(random: Random): Plan {
  const mode = random.chance(0.15) ? 'test-table' : 'production'
  const prefix = mode === 'test-table' ? 'test_' : ''
  return {
    mode,
    tables: {eventLog: `${prefix}event_log`, rawObjects: `${prefix}raw_objects`},
    world: {
      seed: random.integer(1, 1e9),
      steps: random.integer(2, 4),
      entriesPerStep: random.integer(20, 300),
      payload: random.pick(['small', 'small', 'small', 'medium', 'one huge']),
      ...(random.chance(0.3) && {fewItems: random.integer(2, 12)}),
    },
    source: {
      slice: random.pick(['1h', '3h', '6h', '1d']),
      // Whole steps, so that it is not chance which records they reach.
      overlap: random.pick(['0s', '0s', '1d', '2d']),
      changeFeed: random.chance(0.2),
    },
    commitAfter: {records: random.pick([1, 20, 50, 1e9]), milliseconds: 1e9},
    pageSize: random.pick([1, 10, 100]),
  }
}

function triggerOf(random: Random): Trigger {
  const dice = random.next()
  if (dice < 0.05) return {kind: 'time from start', share: random.next()}
  if (dice < 0.35) return {kind: 'time', share: random.next() * 1.1}
  if (dice < 0.65) {
    return {
      kind: 'file',
      file: random.pick(['run folder', 'spool file', 'database', 'wal']),
      occurrence: Math.ceil(random.next() ** 2 * 40),
      delay: random.pick([0, 0, 1, 3]),
    }
  }
  return {kind: 'self', kill: selfKillOf(random)}
}

function selfKillOf(random: Random): SelfKill {
  const at = random.pick<SelfKill['at']>(['page', 'statement', 'COMMIT', 'CHECKPOINT', 'CHECKPOINT', 'close'])
  const most = {page: 30, statement: 120, COMMIT: 8, CHECKPOINT: 8, close: 8}[at]
  return {
    at,
    occurrence: Math.ceil(random.next() ** 2 * most),
    when: random.pick(['before', 'during', 'after']),
    during: random.next() ** 2 * 8,
  }
}

class Victim {
  readonly folder: string
  readonly database: string
  readonly #plan: Plan
  readonly #oracle: Oracle
  #usual = 500

  private constructor(folder: string, plan: Plan) {
    this.folder = folder
    this.database = join(folder, 'warehouse.duckdb')
    this.#plan = plan
    this.#oracle = new Oracle({
      database: this.database,
      tables: plan.tables,
      world: new World(plan.world),
      source: plan.source,
      sourceSystem: SOURCE_SYSTEM,
      calls: join(folder, 'calls.ndjson'),
    })
  }

  static async create(folder: string, plan: Plan): Promise<Victim> {
    await mkdir(folder)
    return new Victim(folder, plan)
  }

  get rows(): ReadonlyMap<string, ModelRow> {
    return this.#oracle.rows
  }

  async run(step: number, attempt: number, trigger: Trigger): Promise<Kill | undefined> {
    const run = `run-${step + 1}-${attempt}`
    const before = this.#oracle.position()
    const ended = await runChild(this.folder, this.#plan, [{step, attempt, run}], trigger, this.#usual)
    const finished = !ended.killed
    if (finished) {
      assert(ended.code === 0, `a run that nobody killed ended with ${String(ended.code)}: ${ended.stderr}`)
      this.#usual = (this.#usual + ended.milliseconds) / 2
    }
    const torn = !finished && (await mendIfTorn(this.database))
    if (finished || (await exists(this.database))) await this.#look(run, before, ended)
    return finished ? undefined : {phase: await lastPhase(this.folder), torn}
  }

  async #look(run: string, before: ReturnType<Oracle['position']>, ended: Ended): Promise<void> {
    if (!ended.killed || (await this.#hasTables())) await this.#oracle.look(run)
    this.#oracle.assertWentOnFrom(run, before)
    if (ended.killed) return
    const {lastRun} = this.#oracle
    assert(lastRun?.id === run && lastRun.ended === 'completed', `run ${run} ended well and the event log lacks it`)
    const result = JSON.parse(ended.stdout.split('\n')[1] ?? '') as {counts: Counts; commits: number}
    assertSame(result, {counts: lastRun.counts, commits: lastRun.commits}, `what run ${run} reported`)
    assertSame(await readdir(join(this.folder, 'spool')), [], `temporary files after run ${run}`)
    const left = (await readdir(this.folder)).filter((name) => name.includes('.duckdb'))
    assertSame(left, ['warehouse.duckdb'], `files beside the database after run ${run}`)
  }

  async #hasTables(): Promise<boolean> {
    const {eventLog, rawObjects} = this.#plan.tables
    const rows = await query(this.database, 'SELECT table_name FROM duckdb_tables() ORDER BY table_name')
    if (rows.length === 0) return false
    assertSame(
      rows.map((row) => row['table_name']).filter((name) => name !== 'lorchestra_undo'),
      [eventLog, rawObjects],
      'the tables',
    )
    return true
  }
}

interface RunOfStep {
  readonly step: number
  readonly attempt: number
  readonly run: string
}

async function runChild(
  folder: string,
  {mode, source, commitAfter, world, pageSize}: Plan,
  runs: readonly RunOfStep[],
  trigger: Trigger,
  usual: number,
): Promise<Ended> {
  const calls = join(folder, 'calls.ndjson')
  const order: ChildOrder = {
    folder,
    mode,
    source,
    commitAfter,
    runs: runs.map(({step, attempt, run}) => {
      const now = endOfStep(step) + (attempt - 1) * MINUTE
      const options: ChaosOptions = {world, asOf: now, pageSize, calls, run}
      return {runId: run, now, options}
    }),
    ...(trigger.kind === 'self' && {kill: trigger.kill}),
  }
  return runAndKill({
    args: [CHILD, JSON.stringify(order)],
    cwd: folder,
    env: {PATH: process.env['PATH'] ?? '', NODE_COMPILE_CACHE: COMPILE_CACHE},
    folder,
    spool: join(folder, 'spool'),
    trigger,
    usual,
  })
}

async function compareWithUndisturbed(victim: Victim, folder: string, plan: Plan): Promise<void> {
  await mkdir(folder)
  const runs = Array.from({length: plan.world.steps}, (_, step) => ({step, attempt: 1, run: `run-${step + 1}-1`}))
  const {code, stderr} = await runChild(folder, plan, runs, {kind: 'never'}, 0)
  assert(code === 0, `the undisturbed runs ended with ${String(code)}: ${stderr}`)
  const rows = await query(
    join(folder, 'warehouse.duckdb'),
    `SELECT idem_key, payload, epoch_ms(first_seen)::DOUBLE AS first_seen, epoch_ms(last_seen)::DOUBLE AS last_seen
     FROM ${plan.tables.rawObjects}`,
  )
  compareRows(byStep(victim.rows), byStep(rowsByKey(rows)))
}

/** Which run of a step saw a record is chance; which step it was is not. */
const byStep = (rows: ReadonlyMap<string, ModelRow>): ReadonlyMap<string, ModelRow> =>
  new Map(
    [...rows].map(([key, {payload, firstSeen, lastSeen}]) => [
      key,
      {payload, firstSeen: stepOf(firstSeen), lastSeen: stepOf(lastSeen)},
    ]),
  )

const stepOf = (instant: number): number => Math.floor((instant - BEGINNING) / STEP)

async function lastPhase(folder: string): Promise<string> {
  const path = join(folder, 'phases.log')
  if (!(await exists(path))) return 'starting'
  return (await readFile(path, 'utf8')).trimEnd().split('\n').at(-1) ?? 'starting'
}

async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
