import {spawn} from 'node:child_process'
import {appendFileSync} from 'node:fs'
import {mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'

import {hasCode} from '../../../src/base/system-error.ts'
import {startCallRecorder} from '../call-recorder.ts'
import {hasTables} from '../database.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import {BoxKiller, boxKillPlan, type BoxKill, type BoxKillPlan} from './box-killer.ts'
import type {CampaignOptions} from './campaign.ts'
import {chaosYaml, writeChaosPlugin, type ChaosJob} from './chaos-plugin.ts'
import {assert, assertSame, Oracle} from './oracle.ts'
import {Random} from '../random.ts'
import {untilNobodyNames} from './running-boxes.ts'
import type {ChaosSourceSettings} from './source.ts'
import {endOfStep, World} from './world.ts'

const TABLES = {eventLog: 'event_log', rawObjects: 'raw_objects'}
const JOBS = ['north', 'south', 'east', 'west'] as const
const STEPS = 3
const MOST_ATTEMPTS = 8
const MOST_KILLS_A_RUN = 6
const DIED = /the process of the source was killed \(SIGKILL\)/

type Job = (typeof JOBS)[number]
type Jobs = Readonly<Record<Job, ChaosJob>>

interface RunResult {
  readonly job: Job
  readonly outcome?: string
  readonly error?: {readonly message: string}
}

/**
 * Commands of several jobs whose boxes are killed, never the command itself. Each goes on to its end, says of which jobs the
 * box died, and leaves no file and no process; after each, all rows are compared with what the source holds.
 */
export async function runBoxCampaign({seed, folder, onKill}: CampaignOptions): Promise<void> {
  const random = new Random(seed)
  const settings = {slice: random.pick(['3h', '6h', '1d']), overlap: random.pick(['0s', '1d']), changeFeed: false}
  const jobs = Object.fromEntries(JOBS.map((job) => [job, jobOf(random)])) as Jobs
  const plugin = join(folder, 'lorchestra-source-chaos')
  await writeChaosPlugin(plugin, settings)
  const victim = await Command.create(join(folder, 'killed'), plugin, settings, jobs)
  let enough = false
  for (let step = 0; step < STEPS; step += 1) {
    for (let attempt = 1; ; attempt += 1) {
      const plans = enough || attempt > MOST_ATTEMPTS ? [] : plansOf(random)
      try {
        const {kills, failed} = await victim.run(step, attempt, plans)
        for (const kill of kills) enough = !onKill({phase: phaseOf(kill, failed), torn: false})
        if (failed.length === 0) break
      } catch (error) {
        const what = `step ${step + 1}, attempt ${attempt}, ${JSON.stringify(plans)}`
        throw new Error(`${what}: ${error instanceof Error ? error.message : 'unknown'}`, {cause: error})
      }
    }
  }
}

const plansOf = (random: Random): readonly BoxKillPlan[] =>
  Array.from({length: random.integer(1, MOST_KILLS_A_RUN)}, () => boxKillPlan(random))

const jobOf = (random: Random): ChaosJob => ({
  world: {
    seed: random.integer(1, 1e9),
    steps: STEPS,
    entriesPerStep: random.integer(20, 300),
    payload: random.pick(['small', 'medium', 'medium', 'one huge']),
  },
  pageSize: random.pick([1, 10, 200]),
})

function phaseOf({job, stopped}: BoxKill, failed: readonly Job[]): string {
  const how = stopped ? 'stopped, then killed' : 'killed'
  if (job === undefined) return `the plugin said which sources there are (${how})`
  return `its job ${failed.includes(job as Job) ? 'needed it' : 'had all of it, or began anew'} (${how})`
}

class Command {
  readonly #folder: string
  readonly #home: string
  readonly #plugin: string
  readonly #database: string
  readonly #oracles: Readonly<Record<Job, Oracle>>
  #killer: BoxKiller | undefined
  #usual = 1500

  private constructor(folder: string, plugin: string, source: ChaosSourceSettings, jobs: Jobs) {
    this.#folder = folder
    this.#home = join(folder, 'home')
    this.#plugin = plugin
    this.#database = join(folder, 'lorchestra.duckdb')
    const oracleOf = (job: Job): Oracle =>
      new Oracle({
        database: this.#database,
        tables: TABLES,
        world: new World(jobs[job].world),
        source,
        sourceSystem: job,
        calls: join(folder, `${job}.ndjson`),
        job,
        mayFail: DIED,
      })
    this.#oracles = {north: oracleOf('north'), south: oracleOf('south'), east: oracleOf('east'), west: oracleOf('west')}
  }

  static async create(folder: string, plugin: string, source: ChaosSourceSettings, jobs: Jobs): Promise<Command> {
    const command = new Command(folder, plugin, source, jobs)
    await mkdir(command.#home, {recursive: true})
    const recorder = await startCallRecorder((call, path) => {
      appendFileSync(join(folder, `${path.slice(1)}.ndjson`), `${call}\n`)
      command.#killer?.called()
    })
    const marked = Object.entries(jobs).map(
      ([job, each]) => [job, {...each, mark: join(folder, `${job}.mark`)}] as const,
    )
    for (const [, {mark}] of marked) await writeFile(mark, '')
    await writeFile(join(folder, 'lorchestra.yaml'), chaosYaml(Object.fromEntries(marked), recorder.url))
    const {code, stderr} = await command.#start(['plugins', 'link', plugin, '--no-install'], {}, [])
    assert(code === 0, `linking the plugin ended with ${String(code)}: ${stderr}`)
    return command
  }

  async run(step: number, attempt: number, plans: readonly BoxKillPlan[]) {
    const label = `${step + 1}-${attempt}`
    const before = JOBS.map((job) => this.#oracles[job].position())
    const until = new Date(endOfStep(step)).toISOString()
    const env = {CHAOS_AS_OF: String(endOfStep(step)), CHAOS_RUN: label}
    const args = ['run', ...JOBS, '--concurrency', String(JOBS.length), '--until', until, '--json']
    const {code, stdout, stderr, kills} = await this.#start(args, env, plans)
    const failed = failuresIn(code, stdout, stderr, kills)
    await untilNobodyNames(this.#plugin)
    assertSame(await filesOf(spoolFolder(this.#home)), [], 'temporary files')
    const files = (await readdir(this.#folder)).filter((name) => name.includes('.duckdb'))
    assertSame(
      files.filter((name) => name !== 'lorchestra.duckdb'),
      [],
      'files beside the database',
    )
    if (!(await hasTables(this.#database))) {
      assertSame(failed, JOBS, 'the failed jobs where nothing was stored')
      return {kills, failed}
    }
    for (const [index, job] of JOBS.entries()) {
      await this.#oracles[job].look(label)
      const position = before[index]
      if (position !== undefined) this.#oracles[job].assertWentOnFrom(label, position)
    }
    return {kills, failed}
  }

  async #start(args: readonly string[], env: Readonly<Record<string, string>>, plans: readonly BoxKillPlan[]) {
    const startedAt = performance.now()
    const child = spawn(process.execPath, [PROGRAM, ...args], {
      cwd: this.#folder,
      env: environmentOf(this.#home, env),
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const killer = new BoxKiller(child.pid ?? 0, this.#plugin, this.#folder, plans, this.#usual)
    this.#killer = killer
    const ended = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject)
      child.once('close', resolve)
    })
    const [code, stdout, stderr] = await Promise.all([ended, text(child.stdout), text(child.stderr)])
    await killer.end()
    this.#usual = (this.#usual + performance.now() - startedAt) / 2
    return {code, stdout, stderr, kills: killer.kills}
  }
}

/** Names the jobs that failed. Each lost its box, and says so; all others ended well. */
function failuresIn(code: number | null, stdout: string, stderr: string, kills: readonly BoxKill[]): readonly Job[] {
  const {runs} = JSON.parse(stdout) as {runs: readonly RunResult[]}
  assertSame(runs.map(({job}) => job).toSorted(), JOBS.toSorted(), 'the jobs that were run')
  const failed = runs.filter(({error}) => error !== undefined)
  for (const {job, outcome = 'failed', error} of failed) {
    const killed = kills.some((kill) => kill.job === job || kill.job === undefined)
    assert(killed, `${job} failed, and nobody killed its box: ${error?.message ?? ''}`)
    assert(outcome === 'failed' && DIED.test(error?.message ?? ''), `${job} says of its box: ${error?.message ?? ''}`)
  }
  const right = failed.length > 0 ? code === 1 : code === 0 || code === 3
  assert(right, `${failed.length} jobs failed, and the command ended with ${String(code)}: ${stderr}`)
  return JOBS.filter((job) => failed.some((run) => run.job === job))
}

/** No run may have come as far as to need the folder. */
async function filesOf(folder: string): Promise<readonly string[]> {
  try {
    return await readdir(folder)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return []
    throw error
  }
}
