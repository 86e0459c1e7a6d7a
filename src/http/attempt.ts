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
  const silence = new Silence(Math.min(request.timeout ?? LONGEST_SILENCE, timeLeft))
  const late = AbortSignal.timeout(Math.max(1, timeLeft))
  const signal = AbortSignal.any([stop, late, silence.signal])
  const body =
    form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form).toString()
  let response: Response | undefined
  let bytes: Uint8Array | undefined
  try {
    response = await fetch(url, {method, headers, body, signal, redirect: 'manual'})
    bytes = await bytesOf(response, maxBytes, silence)
  } catch (error) {
    stop.throwIfAborted()
    if (silence.signal.aborted) return {problem: `silent for ${silence.milliseconds} ms`, retry: repeatable}
    if (late.aborted) return {problem: 'no complete answer within the time of a request', retry: repeatable}
    // What fetch throws only says "fetch failed"; its cause says why.
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
    const {code = '', message} = cause as {code?: string; message: string}
    const problem = message.includes(code) ? message : `${message} (${code})`
    return {problem, retry: repeatable && (response !== undefined || PASSING_ERRORS.test(code)), cause}
  } finally {
    silence.end()
  }
  const {status} = response
  if (bytes === undefined) {
    return {problem: `answered ${status} with more than ${maxBytes} bytes`, retry: false, status, tooLarge: true}
  }
  return judge(response, bytes, request, repeatable)
}

/** Ends a try in which nothing arrives for too long; a large answer on a slow line goes on arriving. */
class Silence {
  readonly milliseconds: number
  readonly #controller = new AbortController()
  readonly #timer: NodeJS.Timeout

  constructor(milliseconds: number) {
    this.milliseconds = Math.max(1, milliseconds)
    this.#timer = setTimeout(() => this.#controller.abort(), this.milliseconds)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  broken(): void {
    this.#timer.refresh()
  }

  end(): void {
    clearTimeout(this.#timer)
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

async function bytesOf(response: Response, maxBytes: number, silence: Silence): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    silence.broken()
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
