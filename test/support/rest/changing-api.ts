import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

import type {PagedServer} from '../chaos/killed-runs.ts'
import type {Random} from '../random.ts'

/** How the records of an API are read. */
export const READINGS = ['windows by cursor', 'windows by offset', 'all by cursor', 'changes'] as const
export type ReadingKind = (typeof READINGS)[number]

export interface Item {
  readonly id: number
  readonly version: number
  readonly updated_at: string
  readonly deleted: boolean
}

/** An API whose records are written before and while each page is answered. */
export interface ChangingApi extends PagedServer {
  readonly url: string
  now(): number
  wait(milliseconds: number): void
  quiet(): void
  /** Begins another run, and gives its number. */
  beginRun(): number
  items(): readonly Item[]
  /** Whether the record was ever like this. */
  wasOnce(item: Item): boolean
  /** The number of the run in which the record was written last. */
  writtenIn(id: number): number
  close(): Promise<void>
}

const BEGINNING = Date.UTC(2025, 0, 1)

export async function startChangingApi(reading: ReadingKind, random: Random): Promise<ChangingApi> {
  const pageSize = random.pick([1, 3, 10, 100])
  // A list that is read by its numbers must now and then hold still, and a feed of changes must not grow faster than it is read.
  const writeChance = reading === 'windows by offset' ? 0.04 : reading === 'changes' ? 0.1 : 0.5
  const items = new Map<number, Item>()
  /** Ids in the order in which they were written last. */
  const log: number[] = []
  const versions = new Set<string>()
  const writtenIn = new Map<number, number>()
  let [clock, run, pages, isQuiet] = [BEGINNING, 0, 0, false]
  let waiting: {readonly pages: number; readonly resolve: () => void} | undefined

  function write(id: number, deleted: boolean): void {
    clock += random.integer(1, 60_000)
    const version = (items.get(id)?.version ?? 0) + 1
    const item = {id, version, updated_at: new Date(clock).toISOString(), deleted}
    items.set(id, item)
    log.push(id)
    versions.add(JSON.stringify(item))
    writtenIn.set(id, run)
  }

  function writeSome(): void {
    if (isQuiet || !random.chance(writeChance)) return
    for (let left = random.integer(1, 3); left > 0; left -= 1) {
      const isNew = random.chance(0.3)
      write(isNew ? items.size + 1 : random.integer(1, items.size), reading === 'changes' && random.chance(0.1))
    }
  }

  function answer(asked: URLSearchParams): object {
    const all = [...items.values()]
    if (reading === 'changes') {
      const from = Number(asked.get('cursor') ?? 0)
      const ids = log.slice(from, from + pageSize)
      const next = from + ids.length
      // The state of now, once for each write: an export shows a record again where it changed again.
      return {list: ids.map((id) => items.get(id)), cursor: String(next), end: next === log.length}
    }
    if (reading === 'all by cursor') {
      const rest = all.filter(({id}) => id > Number(asked.get('cursor') ?? 0))
      const list = rest.slice(0, pageSize)
      return {list, cursor: rest.length > pageSize ? String(list.at(-1)?.id) : null}
    }
    const [from, to] = [asked.get('from') ?? '', asked.get('to') ?? '9']
    const found = all
      .filter(({updated_at: time}) => time >= from && time < to)
      .toSorted((one, other) => (one.updated_at < other.updated_at ? -1 : 1))
    if (reading === 'windows by offset') {
      const start = Number(asked.get('offset') ?? 0)
      return {list: found.slice(start, start + pageSize + 1)}
    }
    const rest = found.filter(({updated_at: time}) => time > (asked.get('cursor') ?? ''))
    const list = rest.slice(0, pageSize)
    return {list, cursor: rest.length > pageSize ? list.at(-1)?.updated_at : null}
  }

  const server = createServer((request: IncomingMessage, response: ServerResponse) => {
    pages += 1
    if (waiting !== undefined && pages >= waiting.pages) waiting.resolve()
    writeSome()
    const body = JSON.stringify(answer(new URL(request.url ?? '/', 'http://127.0.0.1').searchParams))
    writeSome()
    response.writeHead(200, {'content-type': 'application/json'}).end(body)
  })
  for (let id = 1, count = 20 + pageSize * random.integer(3, 20); id <= count; id += 1) write(id, false)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })

  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    get pages() {
      return pages
    },
    untilPages: async (more) => new Promise((resolve) => (waiting = {pages: pages + more, resolve})),
    now: () => clock,
    wait: (milliseconds) => (clock += milliseconds),
    quiet: () => (isQuiet = true),
    beginRun: () => (run += 1),
    items: () => [...items.values()],
    wasOnce: (item) => versions.has(JSON.stringify(item)),
    writtenIn: (id) => writtenIn.get(id) ?? 0,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
