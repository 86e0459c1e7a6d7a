import {createServer} from 'node:http'
import type {AddressInfo} from 'node:net'

/** An API of records that go by a cursor, in a process of its own. Says its address to who started it. */
const records = Number(process.argv[2])
const server = createServer((request, response) => {
  const {searchParams} = new URL(request.url ?? '/', 'http://127.0.0.1')
  const from = Number(searchParams.get('cursor') ?? 0)
  const until = Math.min(from + Number(searchParams.get('limit') ?? 1000), records)
  const rows: string[] = []
  for (let index = from; index < until; index += 1)
    rows.push(
      `{"id":${index},"name":"Person, ${index}","email":"person${index}@example.com","amount":${(index % 100_000) / 100},"created_at":"2026-01-01T00:00:00Z","note":"${'x'.repeat(index % 60)}"}`,
    )
  response.setHeader('content-type', 'application/json')
  response.end(`{"data":[${rows.join(',')}],"next":${until < records ? `"${until}"` : 'null'},"total":${records}}`)
})
server.listen(0, '127.0.0.1', () => process.send?.(`http://127.0.0.1:${(server.address() as AddressInfo).port}`))
process.once('disconnect', () => {
  server.close()
  server.closeAllConnections()
})
