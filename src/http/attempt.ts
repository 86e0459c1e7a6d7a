import type {HttpRequest, HttpResponse} from '../source.ts'
import {judge, type Failure} from './answer.ts'

export interface Attempt {
  readonly url: URL
  readonly method: string
  readonly request: HttpRequest
  readonly authorization: string | undefined
  readonly signal: AbortSignal
  /** Milliseconds for all of it. */
  readonly timeLeft: number
}

const LARGEST_BODY = 64 * 1024 * 1024
const LONGEST_SILENCE = 60_000
const REPEATABLE_METHODS = new Set(['GET', 'PUT', 'DELETE'])
const PASSING_ERRORS =
  /^(ECONN(RESET|REFUSED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENETDOWN|EAI_AGAIN|UND_ERR_(SOCKET|(CONNECT|HEADERS|BODY)_TIMEOUT))$/

/** One try. Throws only where `signal` was aborted, with its reason. */
export async function attempt({
  url,
  method,
  request,
  authorization,
  signal: stop,
  timeLeft,
}: Attempt): Promise<HttpResponse | Failure> {
  const {form, json, maxBytes = LARGEST_BODY} = request
  const repeatable = REPEATABLE_METHODS.has(method) || form !== undefined
  const headers = headersOf(request, authorization)
  if (headers === undefined) return {problem: 'a header holds characters that cannot be sent', retry: false}
  const patience = new Patience(request.timeout ?? LONGEST_SILENCE, timeLeft, stop)
  const body =
    form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form).toString()
  let response: Response | undefined
  let chunks: Uint8Array[] | undefined
  try {
    response = await fetch(url, {method, headers, body, signal: patience.signal, redirect: 'manual'})
    chunks = await chunksOf(response, maxBytes, patience)
  } catch (error) {
    stop.throwIfAborted()
    if (patience.ended !== undefined) return {problem: patience.ended, retry: repeatable}
    // What fetch throws only says "fetch failed"; its cause says why.
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
    const {code = '', message} = cause as {code?: string; message: string}
    const problem = message.includes(code) ? message : `${message} (${code})`
    return {problem, retry: repeatable && (response !== undefined || PASSING_ERRORS.test(code)), cause}
  } finally {
    patience.end()
  }
  const {status} = response
  if (chunks === undefined) {
    return {problem: `answered ${status} with more than ${maxBytes} bytes`, retry: false, status, tooLarge: true}
  }
  return judge(response, chunks, request, repeatable)
}

/** Ends a try in which nothing arrives for too long, however much has arrived: a large answer on a slow line takes its time. */
class Patience {
  /** Why it ended, if it did. */
  ended: string | undefined
  readonly #controller = new AbortController()
  readonly #stop: AbortSignal
  readonly #onStop = (): void => this.#controller.abort()
  readonly #timer: NodeJS.Timeout
  readonly #lateAt: number

  constructor(silence: number, timeLeft: number, stop: AbortSignal) {
    this.#lateAt = performance.now() + timeLeft
    const milliseconds = Math.max(1, Math.min(silence, timeLeft))
    this.#timer = setTimeout(() => this.#endWith(`silent for ${milliseconds} ms`), milliseconds)
    this.#stop = stop
    stop.addEventListener('abort', this.#onStop, {once: true})
    if (stop.aborted) this.#onStop()
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  renew(): void {
    if (performance.now() > this.#lateAt) this.#endWith('no complete answer within the time of a request')
    else this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
    this.#stop.removeEventListener('abort', this.#onStop)
  }

  #endWith(problem: string): void {
    this.ended = problem
    this.#controller.abort()
  }
}

function headersOf(request: HttpRequest, authorization: string | undefined): Headers | undefined {
  try {
    const headers = new Headers({accept: 'application/json', 'user-agent': 'lorchestra', ...request.headers})
    if (authorization !== undefined) headers.set('authorization', authorization)
    if (request.form !== undefined) headers.set('content-type', 'application/x-www-form-urlencoded')
    else if (request.json !== undefined) headers.set('content-type', 'application/json')
    return headers
  } catch {
    // The error would quote the value.
    return undefined
  }
}

async function chunksOf(response: Response, maxBytes: number, patience: Patience): Promise<Uint8Array[] | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    patience.renew()
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return chunks
}
