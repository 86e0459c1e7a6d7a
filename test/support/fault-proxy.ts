import {Server} from 'node:net'

import {getLocal, type CompletedRequest, type Mockttp} from 'mockttp'
import {stub} from 'sinon'

export interface FaultProxy {
  readonly url: string
  /** Its rules; they apply in the order in which they are made. */
  readonly rules: Mockttp
  /** Method and path of each request so far, without the query. */
  readonly requests: readonly string[]
  close(): Promise<void>
}

export interface FaultProxyOptions {
  /** Certificate of an authority, to speak https. */
  readonly https?: {readonly key: string; readonly cert: string}
}

/** Answers as told, or passes on to a real server with faults in between. */
export async function startFaultProxy({https}: FaultProxyOptions = {}): Promise<FaultProxy> {
  const rules = getLocal(https === undefined ? {} : {https})
  // mockttp would listen on all interfaces and has no option for it.
  const listen = stub(Server.prototype, 'listen')
  listen.callsFake(function (this: Server, port: unknown) {
    return listen.wrappedMethod.call(this, {port, host: '127.0.0.1'})
  })
  try {
    await rules.start(0)
  } finally {
    listen.restore()
  }
  const requests: string[] = []
  await rules.on('request-initiated', ({method, url}) => {
    requests.push(`${method} ${new URL(url).pathname}`)
  })
  return {
    // Certificates name hosts, not addresses.
    url: https === undefined ? `http://127.0.0.1:${rules.port}` : `https://localhost:${rules.port}`,
    rules,
    requests,
    close: async () => {
      await rules.stop()
    },
  }
}

/**
 * For `thenCallback`: passes the request on. mockttp's own forwarding takes a client for itself where the system gives
 * both the same port number, and then answers 500.
 */
export function passTo(target: string, authorization?: () => string) {
  return async ({method, url, headers, body}: CompletedRequest) => {
    const {pathname, search} = new URL(url)
    const sent = new Headers()
    for (const name of ['authorization', 'content-type', 'prefer']) {
      const value = headers[name]
      if (typeof value === 'string') sent.set(name, value)
    }
    if (authorization !== undefined) sent.set('authorization', authorization())
    const content = method === 'GET' ? null : Uint8Array.from(body.buffer)
    const answer = await fetch(`${target}${pathname}${search}`, {method, headers: sent, body: content})
    return {
      statusCode: answer.status,
      headers: {'content-type': answer.headers.get('content-type') ?? 'application/octet-stream'},
      body: Buffer.from(await answer.arrayBuffer()),
    }
  }
}
