import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'

/** Not a secret: the service exists in this example alone. */
export const TICKETS_TOKEN = 'token-of-the-example'
const PAGE = 100
const HOUR = 3_600_000

/** A service with tickets, as its documentation might describe it: `GET /v2/tickets?updated_after=…&updated_before=…&cursor=…`. */
export async function startTickets(count: number): Promise<{url: string; close(): Promise<void>}> {
  const now = Date.now()
  const tickets = Array.from({length: count}, (_, number) => ({
    id: `t-${1000 + number}`,
    title: `Ticket ${number}`,
    status: number % 3 === 0 ? 'open' : 'solved',
    updated_at: new Date(now - (count - number) * HOUR).toISOString(),
  }))
  const server = createServer(({url = '/', headers}, response) => {
    const {pathname, searchParams} = new URL(url, 'http://127.0.0.1')
    const known = headers.authorization === `Bearer ${TICKETS_TOKEN}`
    response.writeHead(known ? (pathname === '/v2/tickets' ? 200 : 404) : 401, {'content-type': 'application/json'})
    const after = searchParams.get('updated_after') ?? ''
    const before = searchParams.get('updated_before') ?? '9'
    const inside = tickets.filter(({updated_at: at}) => after <= at && at < before)
    const start = Number(searchParams.get('cursor') ?? 0)
    const next = start + PAGE < inside.length ? String(start + PAGE) : null
    response.end(JSON.stringify({data: {items: inside.slice(start, start + PAGE)}, meta: {next, total: inside.length}}))
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    close: async () => {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
