import {createServer, type IncomingMessage, type ServerResponse} from 'node:http'
import type {AddressInfo} from 'node:net'

/** The redirect is where the service sends the browser back to: this machine alone (RFC 8252, 7.3). */
export interface Redirect {
  readonly address: string
  /** Resolves with the authorization code. Rejects where the person declined, and when the signal is aborted. */
  readonly code: Promise<string>
  close(): void
}

const ANSWERED = 'lorchestra has the answer. You can close this window and go back to the terminal.'
const NOT_AWAITED = 'This is not the answer that lorchestra waits for.'

/** Takes the one answer that carries `state`; whatever else arrives is refused, and the wait goes on. */
export async function listenForRedirect(state: string, port: number, signal: AbortSignal): Promise<Redirect> {
  let resolve: (code: string) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const code = new Promise<string>((resolved, rejected) => {
    resolve = resolved
    reject = rejected
  })
  // Nobody may be waiting for it yet.
  code.catch(() => undefined)
  const server = createServer((request, response) => {
    const answer = answerIn(request, state)
    // Also where the browser did not stay for the page.
    response.once('close', () => {
      if (answer === undefined) return
      if ('code' in answer) resolve(answer.code)
      else
        reject(
          new Error(`the service gave no authorization code (${answer.error}). Check client_id, and sign in again`),
        )
    })
    reply(response, answer === undefined ? 400 : 200, answer === undefined ? NOT_AWAITED : ANSWERED)
  })
  await new Promise<void>((listening, failed) => {
    server.once('error', failed)
    server.listen({host: '127.0.0.1', port}, listening)
  })
  const onAbort = (): void => reject(signal.reason)
  signal.addEventListener('abort', onAbort, {once: true})
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    code,
    close: () => {
      signal.removeEventListener('abort', onAbort)
      server.close()
      server.closeAllConnections()
    },
  }
}

function answerIn({method, url}: IncomingMessage, state: string): {code: string} | {error: string} | undefined {
  // Anything may be sent here, `//` for example, which is no address.
  if (url === undefined || !URL.canParse(url, 'http://127.0.0.1')) return undefined
  const {pathname, searchParams} = new URL(url, 'http://127.0.0.1')
  if (method !== 'GET' || pathname !== '/' || searchParams.get('state') !== state) return undefined
  const code = searchParams.get('code') ?? ''
  if (code !== '') return {code}
  return {error: /^\w{1,64}$/.exec(searchParams.get('error') ?? '')?.[0] ?? 'no code'}
}

function reply(response: ServerResponse, status: number, text: string): void {
  response.writeHead(status, {
    'content-type': 'text/plain; charset=utf-8',
    'cache-control': 'no-store',
    'referrer-policy': 'no-referrer',
    connection: 'close',
  })
  response.end(`${text}\n`)
}
