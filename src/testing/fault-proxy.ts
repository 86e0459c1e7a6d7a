import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** This happens to a request instead of being passed on. */
export type Fault =
  | {readonly status: number; readonly headers?: Readonly<Record<string, string>>; readonly body?: string}
  /** The connection breaks before an answer, in the middle of one, or stays open without one. */
  | 'reset'
  | 'cut'
  | 'hang'

export interface ProxiedRequest {
  /** Its number among all that were seen since `faultBy`: 0, 1, 2, … */
  readonly index: number
  readonly method: string
  readonly path: string
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly body: string
}

export interface FaultProxy {
  readonly url: string
  readonly requests: readonly ProxiedRequest[]
  /** Decides about each request from now on; forgets those that were seen. */
  faultBy(decide: (request: ProxiedRequest) => Fault | undefined): void
  close(): Promise<void>
}

/** Stands before the author's service, so that what is tested is how the source takes a bad network. */
export async function startFaultProxy(target: string): Promise<FaultProxy> {
  const origin = new URL(target).origin
  const requests: ProxiedRequest[] = []
  let decide: (request: ProxiedRequest) => Fault | undefined = () => undefined
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy())
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(0, '127.0.0.1', resolve)
  })
  const own = `http://127.0.0.1:${(server.address() as AddressInfo).port}`

  async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const {method = 'GET', url: path = '/', headers} = incoming
    const body = await textOf(incoming)
    const request = {index: requests.length, method, path, headers, body}
    requests.push(request)
    const fault = decide(request)
    if (fault === 'hang') return
    if (fault === 'reset') {
      outgoing.destroy()
    } else if (fault === 'cut') {
      const whole = '{"half of it'
      outgoing.writeHead(200, {'content-type': 'application/json', 'content-length': whole.length * 2})
      outgoing.write(whole, () => outgoing.destroy())
    } else if (fault !== undefined) {
      outgoing.writeHead(fault.status, {'content-type': 'application/json', ...fault.headers})
      outgoing.end(fault.body ?? '{"error":{"message":"made by the conformance suite"}}')
    } else {
      await passOn(request, outgoing)
    }
  }

  async function passOn({method, path, headers, body}: ProxiedRequest, outgoing: ServerResponse): Promise<void> {
    const sent = new Headers()
    for (const [name, value] of Object.entries(headers)) {
      if (OWN_TO_THE_CONNECTION.has(name) || value === undefined) continue
      sent.set(name, [value].flat().join(', '))
    }
    const response = await fetch(`${origin}${path}`, {
      method,
      headers: sent,
      body: body === '' ? null : body,
      redirect: 'manual',
    })
    const type = response.headers.get('content-type') ?? 'application/octet-stream'
    const bytes = Buffer.from(await response.arrayBuffer())
    // Links to the next page must lead through the proxy as well.
    const content = /json|text|xml/.test(type) ? bytes.toString().replaceAll(origin, own) : bytes
    outgoing.writeHead(response.status, {...passedHeaders(response), 'content-type': type})
    outgoing.end(content)
  }

  return {
    url: `${own}${new URL(target).pathname.replace(/\/$/, '')}`,
    requests,
    faultBy(decision) {
      requests.length = 0
      decide = decision
    },
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const OWN_TO_THE_CONNECTION = new Set([
  'connection',
  'host',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'keep-alive',
  'accept-encoding',
])

function passedHeaders({headers}: Response): Record<string, string> {
  return Object.fromEntries([...headers].filter(([name]) => !OWN_TO_THE_CONNECTION.has(name)))
}

async function textOf(incoming: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  for await (const chunk of incoming) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}
