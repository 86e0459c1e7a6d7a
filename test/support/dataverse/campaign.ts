import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Trigger} from '../chaos/killed-process.ts'
import {KilledRuns} from '../chaos/killed-runs.ts'
import {assert, assertSame} from '../chaos/oracle.ts'
import {Random} from '../random.ts'
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
  readonly #runs: KilledRuns

  private constructor(options: ChangingCampaignOptions, random: Random, server: ChangingServer) {
    this.#options = options
    this.#random = random
    this.#server = server
    const {folder, entra, reading, onKill} = options
    this.#home = join(folder, 'home')
    this.#database = join(folder, 'lorchestra.duckdb')
    this.#runs = new KilledRuns({
      random,
      server,
      // Its own clock would be far ahead of the server's.
      args: () => [
        PROGRAM,
        'run',
        'contacts',
        ...(isByWindow(reading) ? ['--until', new Date(server.now()).toISOString()] : []),
      ],
      folder,
      env: environmentOf(this.#home, clinicEnv(entra)),
      spool: spoolFolder(this.#home),
      database: this.#database,
      onKill,
    })
  }

  static async create(options: ChangingCampaignOptions, random: Random, server: ChangingServer): Promise<Campaign> {
    const campaign = new Campaign(options, random, server)
    await mkdir(campaign.#home, {recursive: true})
    const {folder, entra, reading} = options
    // What tracks changes is read to this machine's present, years beyond the server's.
    const slice = isByWindow(reading) ? random.pick(['1d', '7d', '30d', '520w']) : random.pick(['30d', '520w'])
    const contacts = [
      `entity: contact, slice: ${slice}, start: 2019-12-01`,
      `track_changes: ${reading === 'changes'}, full: ${reading.startsWith('whole table')}`,
    ].join(', ')
    await writeFile(join(folder, 'lorchestra.yaml'), clinicYaml({url: server.url, entra, jobs: {contacts}}))
    return campaign
  }

  async runUntilNotKilled(): Promise<void> {
    this.#server.wait(this.#random.pick([MINUTE, 20 * MINUTE, DAY]))
    await this.#runs.untilNotKilled(async (trigger) => this.run(trigger))
  }

  async run(trigger: Trigger): Promise<{readonly killed: boolean; readonly torn: boolean}> {
    const number = this.#server.writer.beginRun()
    const {killed, torn, code, stdout, stderr} = await this.#runs.run(trigger)
    await this.#server.settled()
    if (!killed) assert(code === 0, `run ${number} ended with ${String(code)}: ${stdout}${stderr}`)
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
}
