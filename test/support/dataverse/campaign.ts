import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {runAndKill, type Trigger} from '../chaos/killed-process.ts'
import {assert, assertSame} from '../chaos/oracle.ts'
import {Random} from '../chaos/random.ts'
import {mendIfTorn} from '../chaos/torn-metadata.ts'
import {clinicEnv, clinicYaml} from '../clinic-yaml.ts'
import {events, hasTables, query} from '../database.ts'
import type {EntraServer} from '../entra-server.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import {isByWindow, startChangingServer, type ChangingServer, type ReadingKind} from './changing-server.ts'

export interface ChangingCampaignOptions {
  readonly seed: number
  readonly reading: ReadingKind
  /** Empty. */
  readonly folder: string
  readonly entra: EntraServer
  /** Runs that may be killed until one is not. Default 3. */
  readonly steps?: number
  /** Called after each kill; false: that was enough, so the rest runs to its end. */
  readonly onKill: (kill: {readonly pagesRead: number; readonly torn: boolean}) => boolean
}

const KEY = 'contact:dataverse--clinic:'
const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const MOST_ATTEMPTS = 6

/**
 * One database, into which `lorchestra run` reads contacts while somebody changes, inserts and deletes them, and which
 * is killed at random while it does. After each run, what its commits say that they read must be stored; after the last
 * one, which nobody disturbs, the rows must be those of the server's own table.
 */
export async function runChangingCampaign(options: ChangingCampaignOptions): Promise<void> {
  const random = new Random(options.seed)
  const server = await startChangingServer(options.reading, random)
  try {
    const campaign = await Campaign.create(options, random, server)
    for (let left = options.steps ?? 3; left > 0; left -= 1) await campaign.runUntilNotKilled()
    server.quiet()
    server.wait(MINUTE)
    await campaign.run({kind: 'never'})
    await campaign.assertSameRows()
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown'
    throw new Error(`${options.reading}, seed ${options.seed}: ${message}`, {cause: error})
  } finally {
    await server.close()
  }
}

class Campaign {
  readonly #options: ChangingCampaignOptions
  readonly #random: Random
  readonly #server: ChangingServer
  readonly #home: string
  readonly #database: string
  readonly #completed = new Set<unknown>()
  #enough = false
  #usual = 1500

  private constructor(options: ChangingCampaignOptions, random: Random, server: ChangingServer) {
    this.#options = options
    this.#random = random
    this.#server = server
    this.#home = join(options.folder, 'home')
    this.#database = join(options.folder, 'lorchestra.duckdb')
  }

  static async create(options: ChangingCampaignOptions, random: Random, server: ChangingServer): Promise<Campaign> {
    const campaign = new Campaign(options, random, server)
    await mkdir(campaign.#home, {recursive: true})
    const slice = random.pick(['1d', '7d', '30d', '520w'])
    const {folder, entra, reading} = options
    const contacts = [
      `entity: contact, slice: ${slice}, start: 2019-12-01`,
      `track_changes: ${reading === 'changes'}, full: ${reading.startsWith('whole table')}`,
    ].join(', ')
    await writeFile(join(folder, 'lorchestra.yaml'), clinicYaml({url: server.url, entra, jobs: {contacts}}))
    return campaign
  }

  async runUntilNotKilled(): Promise<void> {
    this.#server.wait(this.#random.pick([MINUTE, 20 * MINUTE, DAY]))
    for (let attempt = 1; ; attempt += 1) {
      const trigger = this.#enough || attempt > MOST_ATTEMPTS ? ({kind: 'never'} as const) : this.#trigger()
      const pagesBefore = this.#server.pages
      const {killed, torn} = await this.run(trigger)
      if (!killed) return
      this.#enough = !this.#options.onKill({pagesRead: this.#server.pages - pagesBefore, torn})
    }
  }

  async run(trigger: Trigger): Promise<{readonly killed: boolean; readonly torn: boolean}> {
    const {folder, entra, reading} = this.#options
    const number = this.#server.writer.beginRun()
    // Its own clock would be far ahead of the server's.
    const until = isByWindow(reading) ? ['--until', new Date(this.#server.now()).toISOString()] : []
    const startedAt = performance.now()
    const {killed, code, stdout, stderr} = await runAndKill({
      args: [PROGRAM, 'run', 'contacts', ...until],
      cwd: folder,
      env: environmentOf(this.#home, clinicEnv(entra)),
      folder,
      spool: spoolFolder(this.#home),
      trigger,
      usual: this.#usual,
    })
    await this.#server.settled()
    if (!killed) {
      assert(code === 0, `run ${number} ended with ${String(code)}: ${stdout}${stderr}`)
      this.#usual = (this.#usual + performance.now() - startedAt) / 2
    }
    const torn = killed && (await mendIfTorn(this.#database))
    if (await hasTables(this.#database)) await this.#assertStoredWhatWasCompleted(number)
    else assert(killed, `run ${number} ended well and wrote nothing`)
    return {killed, torn}
  }

  async assertSameRows(): Promise<void> {
    const {writer} = this.#server
    const [stored, rows] = [await this.#payloads(), this.#server.stored('contacts')]
    for (const row of rows) assertSame(stored.get(String(row['contactid'])), {...row}, 'a row in the end')
    const kept = [...stored.keys()].filter((id) => writer.deleted.has(id))
    assertSame(stored.size, rows.length + kept.length, 'the number of rows in the end')
    if (this.#options.reading !== 'changes') return
    const told = (await events(this.#database, 'object.deleted')).map(({idem_key: key}) =>
      String(key).slice(KEY.length),
    )
    const silent = kept.filter((id) => !told.includes(id))
    const invented = told.filter((id) => !writer.deleted.has(id))
    assertSame({silent, invented}, {silent: [], invented: []}, 'the deletions')
  }

  /** Rows that nobody wrote since the run began, in the windows that it completed. */
  async #assertStoredWhatWasCompleted(run: number): Promise<void> {
    const {writer} = this.#server
    const stored = await this.#payloads()
    for (const [id, payload] of stored) assert(writer.wasOnce(id, payload), `${id} never was what is stored of it`)
    const windows: {readonly since: string | null; readonly until: string}[] = []
    for (const {event_id: id, payload} of await events(this.#database, 'ingestion.completed')) {
      if (!this.#completed.has(id)) windows.push((payload as unknown as {window: (typeof windows)[number]}).window)
      this.#completed.add(id)
    }
    for (const row of this.#server.stored('contacts')) {
      const {contactid: id, modifiedon} = row as {contactid: string; modifiedon: string}
      const isDue = windows.some(({since, until}) => modifiedon >= (since ?? '') && modifiedon < until)
      if (isDue && (writer.writtenIn.get(id) ?? 0) < run) assertSame(stored.get(id), {...row}, `what run ${run} read`)
    }
  }

  async #payloads(): Promise<ReadonlyMap<string, object>> {
    const rows = await query(this.#database, 'SELECT external_id AS id, payload::VARCHAR AS payload FROM raw_objects')
    return new Map(
      rows.map((row) => {
        const payload = Object.entries(JSON.parse(String(row['payload'])) as object)
        return [String(row['id']), Object.fromEntries(payload.filter(([name]) => !name.startsWith('@')))]
      }),
    )
  }

  #trigger(): Trigger {
    const random = this.#random
    const kind = random.pick(['page', 'page', 'page', 'time', 'file'])
    if (kind === 'time') return {kind: 'time from start', share: 0.3 + random.next() * 0.75}
    const occurrence = Math.ceil(random.next() ** 2 * 30)
    const delay = random.pick([0, 0, 2, 10, 40])
    return kind === 'page'
      ? {kind: 'told', when: this.#server.untilPages(occurrence), delay}
      : {kind: 'file', file: random.pick(['run folder', 'spool file', 'database', 'wal']), occurrence, delay}
  }
}
