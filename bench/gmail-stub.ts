import {createServer, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'
import {setTimeout as wait} from 'node:timers/promises'

/**
 * A stub, not Gmail: it answers list, get and token calls for a mailbox that it makes up, fast enough not to be what is
 * measured, and refuses what exceeds a quota in units the way that Google does. Run as a process of its own; prints its
 * address, and its statistics at GET /statistics.
 */
export interface StubOptions {
  readonly messages: number
  /** Over which the messages are spread, newest an hour ago. */
  readonly days: number
  /** In any 60 seconds; 0: no quota. */
  readonly unitsPerMinute: number
  /** Milliseconds before each answer. */
  readonly latency: number
}

export interface StubStatistics {
  readonly lists: number
  readonly gets: number
  readonly refused: number
  readonly units: number
  /** Of any 60 seconds, the most. */
  readonly busiestMinute: number
}

const {messages, days, unitsPerMinute, latency} = JSON.parse(process.argv[2] ?? '') as StubOptions
const UNITS = {profile: 1, list: 5, get: 20} as const
const MINUTE = 60_000
const newest = Date.now() - 3_600_000
const spacing = (days * 86_400_000) / messages
const timeOf = (index: number): number => Math.floor(newest - index * spacing)

let statistics = {lists: 0, gets: 0, refused: 0, units: 0, busiestMinute: 0}
let minute: {at: number; units: number}[] = []
let unitsOfMinute = 0

function allows(units: number): boolean {
  const now = Date.now()
  while (minute[0] !== undefined && minute[0].at <= now - MINUTE) unitsOfMinute -= minute.shift()?.units ?? 0
  if (unitsPerMinute > 0 && unitsOfMinute + units > unitsPerMinute) {
    statistics.refused += 1
    return false
  }
  minute.push({at: now, units})
  unitsOfMinute += units
  statistics.units += units
  statistics.busiestMinute = Math.max(statistics.busiestMinute, unitsOfMinute)
  return true
}

function list(search: URLSearchParams): object {
  const q = search.get('q') ?? ''
  const after = Number(/after:(\d+)/.exec(q)?.[1] ?? 0) * 1000
  const before = Number(/before:(\d+)/.exec(q)?.[1] ?? Infinity) * 1000
  const first = Math.max(0, Math.ceil((newest - before) / spacing))
  const end = Math.min(messages, Math.floor((newest - after) / spacing) + 1)
  const from = Math.max(first, Number(search.get('pageToken') ?? 0))
  const to = Math.min(end, from + Number(search.get('maxResults') ?? 100))
  const ids = Array.from({length: Math.max(0, to - from)}, (_, offset) => ({id: idOf(from + offset), threadId: 't'}))
  return {
    ...(ids.length > 0 && {messages: ids}),
    ...(to < end && {nextPageToken: String(to)}),
    resultSizeEstimate: Math.max(0, end - first),
  }
}

const idOf = (index: number): string => `1${index.toString(16).padStart(15, '0')}`
const words = Array.from({length: 97}, (_, index) => `word-${(index * 7919) % 1000}`)
// About 6 KB, the same for all but for a few fields: what a plain mail looks like in the format full.
const rest = JSON.stringify({
  labelIds: ['INBOX', 'CATEGORY_PERSONAL'],
  snippet: words.slice(0, 20).join(' '),
  sizeEstimate: 6000,
  payload: {
    mimeType: 'text/plain',
    headers: Array.from({length: 24}, (_, index) => ({
      name: `X-Header-${index}`,
      value: words.slice(index, index + 5).join(' '),
    })),
    body: {size: 3000, data: Buffer.from(words.join(' ').repeat(3)).toString('base64url')},
  },
}).slice(1)

const messageAt = (index: number): string =>
  `{"id":"${idOf(index)}","threadId":"${idOf(index)}","historyId":"${9_000_000 + index}","internalDate":"${timeOf(index)}",${rest}`

const QUOTA = JSON.stringify({
  error: {code: 403, message: 'Quota exceeded', errors: [{domain: 'usageLimits', reason: 'rateLimitExceeded'}]},
})

async function answer(address: string, response: ServerResponse): Promise<void> {
  const {pathname, searchParams} = new URL(address, 'http://127.0.0.1')
  const send = (status: number, body: string): void => {
    response.writeHead(status, {'content-type': 'application/json'}).end(body)
  }
  if (pathname === '/statistics') {
    send(200, JSON.stringify(statistics))
    statistics = {lists: 0, gets: 0, refused: 0, units: 0, busiestMinute: 0}
    ;[minute, unitsOfMinute] = [[], 0]
    return
  }
  if (latency > 0) await wait(latency)
  if (pathname === '/token') return send(200, '{"access_token": "stub-token", "expires_in": 3600}')
  if (pathname.endsWith('/profile')) {
    return allows(UNITS.profile) ? send(200, '{"emailAddress": "ada@example.com"}') : send(403, QUOTA)
  }
  const id = /\/messages\/(\w+)$/.exec(pathname)?.[1]
  if (!allows(id === undefined ? UNITS.list : UNITS.get)) return send(403, QUOTA)
  if (id === undefined) {
    statistics.lists += 1
    return send(200, JSON.stringify(list(searchParams)))
  }
  statistics.gets += 1
  send(200, messageAt(Number.parseInt(id.slice(1), 16)))
}

const server = createServer((request, response) => {
  // Also the forms of token calls have to be read to their end.
  request.resume()
  void answer(request.url ?? '', response)
})
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`http://127.0.0.1:${(server.address() as AddressInfo).port}\n`)
})
process.stdin
  .on('end', () => {
    server.close()
    server.closeAllConnections()
  })
  .resume()
