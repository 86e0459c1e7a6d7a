import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

export interface ApiRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: IncomingMessage['headers']
  /** What was posted as JSON. */
  readonly body: unknown
  /** Fields of a form. */
  readonly form: URLSearchParams
  /** Number of the request, from 0. */
  readonly index: number
}

export interface ApiAnswer {
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface ApiServer {
  readonly url: string
  readonly requests: readonly ApiRequest[]
  close(): Promise<void>
}

/** Starts an API on this machine that answers as it is told. */
export async function startApi(answer: (request: ApiRequest, url: string) => ApiAnswer): Promise<ApiServer> {
  const requests: ApiRequest[] = []
  const server = createServer((incoming, outgoing) => {
    respond(incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function respond(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const text = Buffer.concat(chunks).toString()
    const {pathname, searchParams} = new URL(incoming.url ?? '/', url)
    const isJson = incoming.headers['content-type'] === 'application/json' && text !== ''
    const request: ApiRequest = {
      method: incoming.method ?? 'GET',
      path: decodeURIComponent(pathname),
      query: searchParams,
      headers: incoming.headers,
      body: isJson ? (JSON.parse(text) as unknown) : undefined,
      form: new URLSearchParams(isJson ? '' : text),
      index: requests.length,
    }
    requests.push(request)
    const {status = 200, headers = {}, body} = answer(request, url)
    outgoing.writeHead(status, {'content-type': 'application/json', ...headers})
    outgoing.end(typeof body === 'string' ? body : body === undefined ? '' : JSON.stringify(body))
  }

  return {
    url,
    requests,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
