import type {Random} from '../random.ts'
import {contacts, guid, type Contact} from '../dataverse-rows.ts'
import type {DataverseServer} from '../dataverse-server.ts'

/** How long a row may take from its modifiedon to being there for others; less than the source's overlap. */
const LATEST_COMMIT = 8 * 60_000
const LONG_AGO = '2020-01-01T00:00:00.000Z'

export interface WriterOptions {
  readonly server: Pick<DataverseServer, 'insert' | 'update' | 'remove'>
  readonly rows: readonly Contact[]
  readonly random: Random
  /** What the server's clock says; it moves. */
  readonly now: () => number
  /** As an import does that keeps the times of where the rows come from; no window can find those. */
  readonly backdates: boolean
}

/** Somebody who changes, inserts and deletes contacts while they are read, most of all around where the reader is. */
export class Writer {
  readonly deleted = new Set<string>()
  /** By id, how often `beginRun` had been called when the row was written last. */
  readonly writtenIn = new Map<string, number>()
  readonly #options: WriterOptions
  readonly #rows: Map<string, Contact>
  /** All that a row ever was, by id. */
  readonly #versions = new Map<string, Set<string>>()
  #run = 0
  #writes = 0

  constructor(options: WriterOptions) {
    this.#options = options
    this.#rows = new Map(options.rows.map((row) => [row.contactid, row]))
    for (const row of options.rows) this.#remember(row)
  }

  beginRun(): number {
    this.#run += 1
    return this.#run
  }

  wasOnce(id: string, row: object): boolean {
    return this.#versions.get(id)?.has(canonical(row)) ?? false
  }

  /** `reader`: the key at which the page ended that was read last. */
  async write(reader: string | undefined): Promise<void> {
    const {random, server} = this.#options
    const kind = random.pick(['change', 'change', 'change', 'delete', 'insert', 'burst'])
    if (kind === 'insert') await this.#insert()
    else if (kind === 'burst') await this.#burst(reader)
    else {
      const id = this.#near(reader)
      if (id === undefined) return
      if (kind === 'change') return this.#change(id, this.#time())
      this.#rows.delete(id)
      this.deleted.add(id)
      await server.remove('contacts', id)
    }
  }

  /** Rows that all get the same time, as a change in bulk gives them. */
  async #burst(reader: string | undefined): Promise<void> {
    const time = this.#time()
    const ids = new Set(Array.from({length: this.#options.random.integer(2, 12)}, () => this.#near(reader)))
    for (const id of ids) if (id !== undefined) await this.#change(id, time)
  }

  async #change(id: string, modifiedon: string): Promise<void> {
    const change = {fullname: `changed ${(this.#writes += 1)} times`, modifiedon}
    const before = this.#rows.get(id)
    if (before === undefined) return
    this.#put({...before, ...change})
    await this.#options.server.update('contacts', id, change)
  }

  async #insert(): Promise<void> {
    const [template] = contacts(1, {now: new Date(LONG_AGO)})
    if (template === undefined) return
    const contactid = guid(`inserted ${(this.#writes += 1)} of ${this.#options.random.next()}`)
    const row = {...template, contactid, fullname: `inserted ${this.#writes}`, modifiedon: this.#time()}
    this.#put(row)
    await this.#options.server.insert('contacts', row)
  }

  #put(row: Contact): void {
    this.#rows.set(row.contactid, row)
    this.writtenIn.set(row.contactid, this.#run)
    this.#remember(row)
  }

  #remember(row: Contact): void {
    const versions = this.#versions.get(row.contactid) ?? new Set()
    this.#versions.set(row.contactid, versions.add(canonical(row)))
  }

  #time(): string {
    const {random, now, backdates} = this.#options
    if (backdates && random.chance(0.1)) return LONG_AGO
    return new Date(now() - (random.chance(0.3) ? random.integer(0, LATEST_COMMIT) : 0)).toISOString()
  }

  #near(reader: string | undefined): string | undefined {
    const {random} = this.#options
    const ids = [...this.#rows.keys()].toSorted()
    const end = reader === undefined ? 0 : ids.findIndex((id) => id >= reader)
    const place = random.pick([
      end + random.integer(-3, 3),
      end + random.integer(-3, 3),
      random.integer(0, 5),
      random.integer(0, ids.length - 1),
    ])
    return ids[Math.min(Math.max(place, 0), ids.length - 1)]
  }
}

/** The same for rows that are equal, in whatever order their columns come. */
const canonical = (row: object): string =>
  JSON.stringify(Object.entries(row).toSorted(([one], [other]) => (one < other ? -1 : 1)))
