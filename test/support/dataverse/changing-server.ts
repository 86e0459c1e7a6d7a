import {contacts} from '../dataverse-rows.ts'
import {startChangeTrackingStub} from '../change-tracking-stub.ts'
import {startDataverseServer, type DataverseServer} from '../dataverse-server.ts'
import {passTo, startFaultProxy} from '../fault-proxy.ts'
import type {Random} from '../random.ts'
import {Writer} from './writer.ts'

/** How rows are read: by windows over pages of either form, by changes, which a stub of ours tells, or all of them. */
export const READINGS = [
  'windows, pages by offset',
  'windows, pages by key',
  'changes',
  'whole table, pages by offset',
] as const
export type ReadingKind = (typeof READINGS)[number]

export const isByWindow = (reading: ReadingKind): boolean => reading.startsWith('windows')

/** Contacts in a real OData server, of which some are written before and while each page is answered. */
export interface ChangingServer {
  readonly url: string
  readonly writer: Writer
  readonly stored: DataverseServer['stored']
  /** What its clock says. By windows it is in the past, and moves with what is written; else it is this machine's. */
  now(): number
  /** Time passes between two runs. */
  wait(milliseconds: number): void
  /** Pages that were asked for so far. */
  readonly pages: number
  /** Resolves when as many more pages were asked for. */
  untilPages(more: number): Promise<void>
  /** Nobody writes any more. */
  quiet(): void
  /** Resolves when nothing is written at the moment. */
  settled(): Promise<void>
  close(): Promise<void>
}

const ROWS = '/api/data/v9.2/contacts'
const BEGINNING = Date.UTC(2025, 0, 1)

export async function startChangingServer(reading: ReadingKind, random: Random): Promise<ChangingServer> {
  const pageSize = random.pick([1, 2, 7, 30, 100])
  const rows = contacts(20 + pageSize * random.integer(3, 20), {now: new Date(BEGINNING), days: 60})
  const keyset = !reading.endsWith('by offset')
  const server = await startDataverseServer({contacts: rows}, {pageSize, keyset})
  // Whatever is written while changes are read makes the next ones take longer.
  const mostWrites = reading === 'changes' ? 1 : 4
  const stub = reading === 'changes' ? await startChangeTrackingStub(server) : undefined
  const proxy = await startFaultProxy()
  let clock = BEGINNING
  const now = (): number => (isByWindow(reading) ? clock : Date.now())
  const tick = (): number => {
    clock += random.integer(1, 3000)
    return now()
  }
  const writer = new Writer({server: stub ?? server, rows, random, now: tick, backdates: !isByWindow(reading)})
  let [pages, quiet] = [0, false]
  let writing: Promise<unknown> = Promise.resolve()
  let reader: string | undefined
  let waiting: {readonly pages: number; readonly resolve: () => void} | undefined

  const writeSome = async (): Promise<void> => {
    for (let left = quiet ? 0 : random.integer(0, mostWrites); left > 0; left -= 1) await writer.write(reader)
  }
  const answer = passTo(stub?.url ?? server.url)
  await proxy.rules.forGet(ROWS).thenCallback(async (request) => {
    pages += 1
    if (waiting !== undefined && pages >= waiting.pages) waiting.resolve()
    // One after the other, also where the one who asked was killed.
    const written = writing.then(writeSome)
    writing = written
    if (random.chance(0.5)) await written
    const {body, ...rest} = await answer(request)
    await written
    const text = body.toString().replaceAll(stub?.url ?? server.url, proxy.url)
    reader = /.*"contactid":"([^"]+)"/s.exec(text)?.[1] ?? reader
    return {...rest, body: text}
  })
  await proxy.rules.forUnmatchedRequest().thenCallback(answer)
  return {
    url: proxy.url,
    writer,
    stored: (entitySet) => server.stored(entitySet),
    now,
    wait: (milliseconds) => {
      clock += milliseconds
    },
    get pages() {
      return pages
    },
    untilPages: async (more) =>
      new Promise((resolve) => {
        waiting = {pages: pages + more, resolve}
      }),
    quiet: () => {
      quiet = true
    },
    settled: async () => {
      await writing
    },
    close: async () => {
      await proxy.close()
      await stub?.close()
      await server.close()
    },
  }
}
