import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** What Google lets a user of a project made since May 2026 do in a minute, and what it charges. */
const UNITS_PER_MINUTE = 6000
const UNITS = {get: 20, list: 5, other: 1}

const MESSAGE = /^\/gmail\/v1\/users\/[^/]+\/messages\/([^/?]+)(?:\?|$)/
const LIST = /^\/gmail\/v1\/users\/[^/]+\/messages(?:\?|$)/

/** Stands before a Gmail server with the quota of the real one, and counts how often each message is fetched. */
export interface GmailQuota {
  readonly url: string
  /** How often each message was fetched since the last call. */
  fetched(): ReadonlyMap<string, number>
  /** How many requests were refused since the beginning. */
  refused(): number
  close(): Promise<void>
}

export async function startGmailQuota(target: string): Promise<GmailQuota> {
  let counted = new Map<string, number>()
  let refused = 0
  let spent: {readonly at: number; readonly units: number}[] = []
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = request.url ?? '/'
    const id = MESSAGE.exec(path)?.[1]
    const units = id !== undefined ? UNITS.get : LIST.test(path) ? UNITS.list : UNITS.other
    const now = performance.now()
    spent = spent.filter(({at}) => at > now - 60_000)
    if (spent.reduce((sum, each) => sum + each.units, units) > UNITS_PER_MINUTE) {
      refused += 1
      const error = {
        code: 429,
        message: 'Quota exceeded',
        errors: [{reason: 'rateLimitExceeded', domain: 'usageLimits'}],
      }
      response.writeHead(429, {'content-type': 'application/json'}).end(JSON.stringify({error}))
      return
    }
    spent.push({at: now, units})
    if (id !== undefined) counted.set(id, (counted.get(id) ?? 0) + 1)
    const {authorization = ''} = request.headers
    const found = await fetch(`${target}${path}`, {headers: {authorization}})
    const type = found.headers.get('content-type') ?? 'application/json'
    response.writeHead(found.status, {'content-type': type}).end(Buffer.from(await found.arrayBuffer()))
  }
  const server = createServer((request, response) => {
    answer(request, response).catch((error: unknown) => response.destroy(error as Error))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fetched: () => {
      const before = counted
      counted = new Map()
      return before
    },
    refused: () => refused,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
