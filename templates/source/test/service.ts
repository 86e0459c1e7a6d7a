import {createServer, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** Not a secret: the service exists in tests alone. */
export const TOKEN = 'token-of-the-test-service'
const PAGE = 25
const FIRST = Date.parse('2024-01-01T00:00:00Z')
const MINUTE = 60_000

export interface Item {
  readonly id: string
  readonly updated_at: string
  readonly text: string
}

export const itemsOf = ({records, size}: {readonly records: number; readonly size: number}): readonly Item[] =>
  Array.from({length: records}, (_, number) => ({
    id: `item-${number}`,
    updated_at: new Date(FIRST + number * MINUTE).toISOString(),
    text: `${number}`.padEnd(size, '.'),
  }))

/**
 * A small stand-in for the real API, on this machine: `GET /items?since=…&until=…&page=…` answers
 * `{items: […], next: '…'}`, with a token.
 */
export async function startService(items: readonly Item[], port = 0): Promise<{url: string; close(): Promise<void>}> {
  const server = createServer(({url = '/', headers}, response) => {
    const {pathname, searchParams} = new URL(url, 'http://127.0.0.1')
    if (headers.authorization !== `Bearer ${TOKEN}`) reply(response, 401, {error: {message: 'the token is wrong'}})
    else if (pathname !== '/items') reply(response, 404, {error: {message: 'there is nothing here'}})
    else reply(response, 200, pageOf(items, searchParams))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function pageOf(items: readonly Item[], search: URLSearchParams): object {
  const since = search.get('since') ?? ''
  const until = search.get('until') ?? '9'
  const start = Number(search.get('page') ?? 0)
  const inside = items.filter(({updated_at: time}) => since <= time && time < until)
  const end = start + PAGE
  return {items: inside.slice(start, end), ...(end < inside.length && {next: String(end)})}
}

function reply(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, {'content-type': 'application/json'})
  response.end(JSON.stringify(body))
}
