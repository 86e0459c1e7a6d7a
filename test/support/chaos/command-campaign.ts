import {appendFileSync} from 'node:fs'
import {mkdir, readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Counts} from '../../../src/model/counts.ts'
import {startCallRecorder} from '../call-recorder.ts'
import {hasTables, query} from '../database.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import type {CampaignOptions} from './campaign.ts'
import {chaosYaml, writeChaosPlugin} from './chaos-plugin.ts'
import {runAndKill, type Ended, type Trigger} from './killed-process.ts'
import {assert, assertSame, Oracle, rowsByKey} from './oracle.ts'
import {Random} from '../random.ts'
import {mendIfTorn} from './torn-metadata.ts'
import {endOfStep, World, type WorldSettings} from './world.ts'

const TABLES = {eventLog: 'event_log', rawObjects: 'raw_objects'}
const JOBS = ['north', 'south'] as const
const SETTINGS = {slice: '6h', overlap: '1d', changeFeed: false}
const MOST_ATTEMPTS = 8

type Job = (typeof JOBS)[number]

/**
 * Like `runCampaign`, with the command itself: `lorchestra run` of two jobs that read a source which a linked plugin
 * brought.
 */
export async function runCommandCampaign({seed, folder, onKill}: CampaignOptions): Promise<void> {
  const random = new Random(seed)
  const worlds = {north: worldOf(random), south: worldOf(random)}
  const plugin = join(folder, 'lorchestra-source-chaos')
  await writeChaosPlugin(plugin, SETTINGS)
  const victim = await Command.create(join(folder, 'killed'), plugin, worlds)
  let enough = false
  for (let step = 0; step < worlds.north.steps; step += 1) {
    for (let attempt = 1; ; attempt += 1) {
      const trigger = enough || attempt > MOST_ATTEMPTS ? ({kind: 'never'} as const) : triggerOf(random)
      const what = `step ${step + 1}, attempt ${attempt}, ${JSON.stringify(trigger)}`
      try {
        const {killed, torn} = await victim.run(step, attempt, trigger)
        if (!killed) break
        enough = !onKill({phase: 'the command was running', torn})
      } catch (error) {
        throw new Error(`${what}: ${error instanceof Error ? error.message : 'unknown'}`, {cause: error})
      }
    }
  }
  const undisturbed = await Command.create(join(folder, 'undisturbed'), plugin, worlds)
  for (let step = 0; step < worlds.north.steps; step += 1) await undisturbed.run(step, 1, {kind: 'never'})
  assertSame(await victim.payloads(), await undisturbed.payloads(), 'the rows in the end')
}

function worldOf(random: Random): WorldSettings {
  return {
    seed: random.integer(1, 1e9),
    steps: 3,
    entriesPerStep: random.integer(20, 200),
    payload: random.pick(['small', 'medium']),
  }
}

const jobOf = (world: WorldSettings) => ({world, pageSize: 10})

function triggerOf(random: Random): Trigger {
  if (random.chance(0.5)) return {kind: 'time from start', share: 0.2 + random.next() * 0.85}
  return {
    kind: 'file',
    file: random.pick(['run folder', 'spool file', 'database', 'wal']),
    occurrence: Math.ceil(random.next() ** 2 * 30),
    delay: random.pick([0, 0, 2, 10]),
  }
}

class Command {
  readonly #folder: string
  readonly #home: string
  readonly #database: string
  readonly #oracles: Readonly<Record<Job, Oracle>>
  #usual = 800

  private constructor(folder: string, worlds: Readonly<Record<Job, WorldSettings>>) {
    this.#folder = folder
    this.#home = join(folder, 'home')
    this.#database = join(folder, 'lorchestra.duckdb')
    const oracleOf = (job: Job) =>
      new Oracle({
        database: this.#database,
        tables: TABLES,
        world: new World(worlds[job]),
        source: SETTINGS,
        sourceSystem: job,
        calls: join(folder, `${job}.ndjson`),
        job,
      })
    this.#oracles = {north: oracleOf('north'), south: oracleOf('south')}
  }

  static async create(folder: string, plugin: string, worlds: Readonly<Record<Job, WorldSettings>>): Promise<Command> {
    const command = new Command(folder, worlds)
    await mkdir(command.#home, {recursive: true})
    const recorder = await startCallRecorder((call, path) =>
      appendFileSync(join(folder, `${path.slice(1)}.ndjson`), `${call}\n`),
    )
    await writeFile(
      join(folder, 'lorchestra.yaml'),
      chaosYaml({north: jobOf(worlds.north), south: jobOf(worlds.south)}, recorder.url),
    )
    const {code, stderr} = await command.#start(['plugins', 'link', plugin, '--no-install'], {}, {kind: 'never'})
    assert(code === 0, `linking the plugin ended with ${String(code)}: ${stderr}`)
    return command
  }

  async payloads(): Promise<readonly (readonly [string, string])[]> {
    const rows = rowsByKey(await query(this.#database, 'SELECT idem_key, payload FROM raw_objects'))
    return [...rows].map(([key, {payload}]) => [key, payload] as const).toSorted()
  }

  async run(step: number, attempt: number, trigger: Trigger): Promise<{killed: boolean; torn: boolean}> {
    const label = `${step + 1}-${attempt}`
    const before = JOBS.map((job) => this.#oracles[job].position())
    const until = new Date(endOfStep(step)).toISOString()
    const env = {CHAOS_AS_OF: String(endOfStep(step)), CHAOS_RUN: label}
    const startedAt = performance.now()
    const ended = await this.#start(['run', ...JOBS, '--until', until, '--json'], env, trigger)
    if (!ended.killed) {
      this.#usual = (this.#usual + performance.now() - startedAt) / 2
      assert(ended.code === 0 || ended.code === 3, `the command ended with ${String(ended.code)}: ${ended.stderr}`)
    }
    const {killed} = ended
    const torn = killed && (await mendIfTorn(this.#database))
    if (killed && !(await hasTables(this.#database))) return {killed, torn}
    for (const [index, job] of JOBS.entries()) {
      await this.#oracles[job].look(label)
      const position = before[index]
      if (position !== undefined) this.#oracles[job].assertWentOnFrom(label, position)
    }
    if (!killed) await this.#assertFinished(label, ended)
    return {killed, torn}
  }

  async #assertFinished(label: string, {stdout}: Ended): Promise<void> {
    const {runs} = JSON.parse(stdout) as {runs: readonly {job: Job; counts: Counts; commits: number}[]}
    for (const job of JOBS) {
      const last = this.#oracles[job].lastRun
      assert(last?.label === label && last.ended === 'completed', `${job} ended well and the event log lacks it`)
      const reported = runs.find((run) => run.job === job)
      assertSame(
        {counts: reported?.counts, commits: reported?.commits},
        {counts: last.counts, commits: last.commits},
        `what ${job} reported`,
      )
    }
    assertSame(await readdir(spoolFolder(this.#home)), [], 'temporary files')
    const left = (await readdir(this.#folder)).filter((name) => name.includes('.duckdb'))
    assertSame(left, ['lorchestra.duckdb'], 'files beside the database')
  }

  async #start(args: readonly string[], env: Readonly<Record<string, string>>, trigger: Trigger): Promise<Ended> {
    return runAndKill({
      args: [PROGRAM, ...args],
      cwd: this.#folder,
      env: environmentOf(this.#home, env),
      folder: this.#folder,
      spool: spoolFolder(this.#home),
      trigger,
      usual: this.#usual,
    })
  }
}
