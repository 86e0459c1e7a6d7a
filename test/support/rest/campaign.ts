import {mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import type {Trigger} from '../chaos/killed-process.ts'
import {KilledRuns, type KilledRunsOptions} from '../chaos/killed-runs.ts'
import {assert, assertSame} from '../chaos/oracle.ts'
import {Random} from '../random.ts'
import {events, hasTables, query} from '../database.ts'
import {environmentOf, PROGRAM, spoolFolder} from '../program.ts'
import {startChangingApi, type ChangingApi, type Item, type ReadingKind} from './changing-api.ts'

export interface RestCampaignOptions extends Pick<KilledRunsOptions, 'onKill'> {
  readonly seed: number
  readonly reading: ReadingKind
  /** Empty. */
  readonly folder: string
  /** Runs that may be killed until one is not. @default 3 */
  readonly steps?: number
}

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const KEY = 'item:rest:'

/**
 * One database, into which `lorchestra run` reads an API while its records change, and which is killed at random while it does. What
 * a run says that it read must be stored; after the last one, which nobody disturbs, the rows must be those of the API.
 */
export async function runRestCampaign(options: RestCampaignOptions): Promise<void> {
  const random = new Random(options.seed)
  const api = await startChangingApi(options.reading, random)
  try {
    const campaign = await Campaign.create(options, random, api)
    for (let left = options.steps ?? 3; left > 0; left -= 1) await campaign.step()
    await campaign.finish()
  } catch (error) {
    const message = error instanceof Error ? error.message : 'unknown'
    throw new Error(`${options.reading}, seed ${options.seed}: ${message}`, {cause: error})
  } finally {
    await api.close()
  }
}

class Campaign {
  readonly #reading: ReadingKind
  readonly #api: ChangingApi
  readonly #random: Random
  readonly #database: string
  readonly #runs: KilledRuns
  readonly #completed = new Set<unknown>()

  private constructor({folder, reading, onKill}: RestCampaignOptions, random: Random, api: ChangingApi) {
    const home = join(folder, 'home')
    this.#reading = reading
    this.#random = random
    this.#api = api
    this.#database = join(folder, 'lorchestra.duckdb')
    this.#runs = new KilledRuns({
      random,
      server: api,
      // The clock of this machine would be far ahead of the API's.
      args: () => [
        PROGRAM,
        'run',
        'items',
        ...(this.#isByWindow ? ['--until', new Date(api.now()).toISOString()] : []),
      ],
      folder,
      env: environmentOf(home),
      spool: spoolFolder(home),
      database: this.#database,
      onKill,
    })
  }

  static async create(options: RestCampaignOptions, random: Random, api: ChangingApi): Promise<Campaign> {
    await mkdir(join(options.folder, 'home'))
    const window = `window: {since: from, until: to, field: updated_at}, start: 2024-12-01, slice: ${random.pick(['1h', '1d', '30d'])}`
    const cursor = 'pages: {by: cursor, path: cursor, param: cursor'
    const ways: Readonly<Record<ReadingKind, string>> = {
      'windows by cursor': `${window}, ${cursor}}`,
      'windows by offset': `${window}, pages: {by: offset}`,
      'all by cursor': `${cursor}}`,
      changes: `${cursor}, end: end}, changes: {path: cursor, param: cursor}, deleted: {when: deleted}`,
    }
    await writeFile(
      join(options.folder, 'lorchestra.yaml'),
      `warehouse: {type: duckdb}\njobs:\n  items: {source: rest, base_url: '${api.url}', object: item, path: /items, records: list, key: id, ${ways[options.reading]}}\n`,
    )
    return new Campaign(options, random, api)
  }

  get #isByWindow(): boolean {
    return this.#reading.startsWith('windows')
  }

  async step(): Promise<void> {
    this.#api.wait(this.#random.pick([MINUTE, 20 * MINUTE, DAY]))
    await this.#runs.untilNotKilled(async (trigger) => this.#run(trigger))
  }

  /** Nobody writes or kills any more. */
  async finish(): Promise<void> {
    this.#api.quiet()
    this.#api.wait(MINUTE)
    await this.#run({kind: 'never'})
    const stored = await this.#stored()
    const deleted = new Set(this.#api.items().flatMap(({id, deleted: isGone}) => (isGone ? [id] : [])))
    for (const item of this.#api.items()) if (!item.deleted) assertSame(stored.get(item.id), item, 'a row in the end')
    const kept = [...stored.keys()].filter((id) => deleted.has(id))
    assertSame(stored.size, this.#api.items().length - deleted.size + kept.length, 'the number of rows in the end')
    const told = new Set((await events(this.#database, 'object.deleted')).map(({idem_key: key}) => String(key)))
    assertSame(
      kept.filter((id) => !told.has(`${KEY}${id}`)),
      [],
      'what is deleted, and nobody told',
    )
  }

  async #run(trigger: Trigger): Promise<{readonly killed: boolean; readonly torn: boolean}> {
    const number = this.#api.beginRun()
    const {killed, torn, code, stdout, stderr} = await this.#runs.run(trigger)
    const said = stdout + stderr
    // A list that moves too often is given up, and says so.
    const gaveUp = this.#reading === 'windows by offset' && code === 1 && said.includes('the list moved')
    assert(killed || code === 0 || gaveUp, `run ${number} ended with ${String(code)}: ${said}`)
    if (await hasTables(this.#database)) await this.#assertStoredWhatWasCompleted(number)
    else assert(killed || gaveUp, `run ${number} ended well and wrote nothing`)
    return {killed, torn}
  }

  /** Records that nobody wrote since the run began, in the windows that it completed. */
  async #assertStoredWhatWasCompleted(run: number): Promise<void> {
    const stored = await this.#stored()
    for (const item of stored.values()) assert(this.#api.wasOnce(item), `${item.id} never was what is stored of it`)
    const windows: {readonly since: string | null; readonly until: string}[] = []
    for (const {event_id: id, payload} of await events(this.#database, 'ingestion.completed')) {
      if (!this.#completed.has(id)) windows.push((payload as unknown as {window: (typeof windows)[number]}).window)
      this.#completed.add(id)
    }
    if (!this.#isByWindow) return
    for (const item of this.#api.items()) {
      const isDue = windows.some(({since, until}) => item.updated_at >= (since ?? '') && item.updated_at < until)
      if (isDue && this.#api.writtenIn(item.id) < run) assertSame(stored.get(item.id), item, `what run ${run} read`)
    }
  }

  async #stored(): Promise<ReadonlyMap<number, Item>> {
    const rows = await query(this.#database, 'SELECT payload::VARCHAR AS payload FROM raw_objects')
    return new Map(
      rows.map((row) => {
        const {id, version, updated_at, deleted} = JSON.parse(String(row['payload'])) as Item
        return [id, {id, version, updated_at, deleted}]
      }),
    )
  }
}
