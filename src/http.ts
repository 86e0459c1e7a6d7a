import {judge, type Failure} from './http-answer.ts'
import type {Mask} from './log.ts'
import {pause} from './pause.ts'
import type {
  HttpClient,
  HttpError as HttpErrorContract,
  HttpRequest,
  HttpResponse,
  JsonObject,
  Logger,
} from './source.ts'

export interface HttpClientOptions {
  readonly signal: AbortSignal
  readonly log: Logger
  /** Learns the tokens that are sent, and is applied to all that is logged or thrown. */
  readonly mask?: Mask
  /** How long one request may take, with all of its tries and waits. */
  readonly budgetMs?: number
  readonly maxTries?: number
  /** The longest first wait; it doubles with each try. */
  readonly backoffMs?: number
  readonly clock?: Clock
}

export interface Clock {
  now(): number
  wait(milliseconds: number, signal: AbortSignal): Promise<void>
}

export class HttpError extends Error implements HttpErrorContract {
  override readonly name = 'HttpError'
  declare readonly status?: number
  declare readonly body?: JsonObject
  declare readonly tooLarge?: true

  constructor(message: string, details: Pick<Failure, 'status' | 'body' | 'tooLarge' | 'cause'> = {}) {
    super(message, details.cause === undefined ? undefined : {cause: details.cause})
    if (details.status !== undefined) this.status = details.status
    if (details.body !== undefined) this.body = details.body
    if (details.tooLarge !== undefined) this.tooLarge = details.tooLarge
  }
}

const MAX_BYTES = 64 * 1024 * 1024
const TRY_MS = 60_000
const LONGEST_BACKOFF_MS = 64_000
const REPEATABLE_METHODS = new Set(['GET', 'PUT', 'DELETE'])
const PASSING_ERRORS =
  /^(ECONN(RESET|REFUSED)|EPIPE|ETIMEDOUT|E(HOST|NET)UNREACH|ENETDOWN|EAI_AGAIN|UND_ERR_(SOCKET|(CONNECT|HEADERS|BODY)_TIMEOUT))$/

const systemClock: Clock = {
  now: () => Date.now(),
  wait: pause,
}

/** One client per account: a pause that the service asks for holds all requests of the account. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const {signal: runSignal, log, mask, clock = systemClock} = options
  const {budgetMs = 600_000, maxTries = 8, backoffMs = 1000} = options
  const masked = (text: string): string => mask?.apply(text) ?? text
  let pausedUntil = 0

  async function perform(request: HttpRequest): Promise<HttpResponse> {
    const method = request.method ?? (request.form === undefined && request.json === undefined ? 'GET' : 'POST')
    const url = addressOf(request)
    const name = `${method} ${url.origin}${url.pathname}`
    const deadline = clock.now() + budgetMs
    // One for each request: many wait at once and would exceed the run signal's listeners.
    const signal = AbortSignal.any(request.signal === undefined ? [runSignal] : [runSignal, request.signal])
    const errorOf = (failure: Failure, note = ''): HttpError =>
      new HttpError(masked(`${name}: ${failure.problem}${note}`), failure)
    const tooLong = (failure: Failure, until: number): HttpError =>
      errorOf(
        failure,
        `; gave up, because the next try is at ${new Date(until).toISOString()} and a request may take ${budgetMs / 1000} s in all`,
      )
    let failure: Failure = {problem: 'the service asked for a pause', retry: true}
    let refused = false
    let renewed = false
    for (let tries = 1; ; tries += 1) {
      signal.throwIfAborted()
      while (pausedUntil > clock.now()) {
        if (pausedUntil > deadline) throw tooLong(failure, pausedUntil)
        await clock.wait(pausedUntil - clock.now(), signal)
      }
      const authorization = await request.authorization?.({refused})
      refused = false
      if (authorization !== undefined) mask?.add(authorization.replace(/^\w+ /, ''))
      const outcome = await send(url, method, request, authorization, signal, deadline - clock.now())
      if (!('problem' in outcome)) return outcome

      failure = outcome
      if (failure.status === 401 && authorization !== undefined && !renewed) {
        refused = renewed = true
        continue
      }
      if (!failure.retry) throw errorOf(failure)
      if (tries >= maxTries) throw errorOf(failure, `; gave up after ${tries} tries`)
      const backoff = Math.round(Math.random() * Math.min(LONGEST_BACKOFF_MS, backoffMs * 2 ** (tries - 1)))
      const until = clock.now() + Math.max(failure.after ?? 0, backoff)
      if (until > deadline) throw tooLong(failure, until)
      const fields = {until: new Date(until).toISOString(), tries}
      if (failure.pausesAll === true) {
        if (pausedUntil <= clock.now()) log.warn(masked(`${name}: ${failure.problem}; all requests wait`), fields)
        pausedUntil = Math.max(pausedUntil, until)
      } else {
        log.info(masked(`${name}: ${failure.problem}; trying again`), fields)
        await clock.wait(until - clock.now(), signal)
      }
    }
  }

  return {request: perform}
}

function addressOf({url: address, query = {}}: HttpRequest): URL {
  const url = URL.canParse(String(address)) ? new URL(address) : undefined
  if (url === undefined) throw new HttpError('not an address; check the URLs in the options')
  const loopback = /^(127\.\d+\.\d+\.\d+|\[::1\]|localhost)$/.test(url.hostname)
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && loopback))
    throw new HttpError(`${url.protocol}//${url.host}: only https is allowed, and http to this machine itself`)
  if (url.username !== '' || url.password !== '')
    throw new HttpError(`${url.protocol}//${url.host}: an address must not hold a user name or a password`)
  for (const [name, value] of Object.entries(query)) {
    for (const one of [value].flat()) if (one !== undefined) url.searchParams.append(name, String(one))
  }
  return url
}

async function send(
  url: URL,
  method: string,
  request: HttpRequest,
  authorization: string | undefined,
  stop: AbortSignal,
  timeLeft: number,
): Promise<HttpResponse | Failure> {
  const {form, json, maxBytes = MAX_BYTES} = request
  const repeatable = REPEATABLE_METHODS.has(method) || form !== undefined
  const headers = headersOf(request, authorization)
  if (headers === undefined) return {problem: 'a header holds characters that cannot be sent', retry: false}
  const milliseconds = Math.max(1, Math.min(request.timeout ?? TRY_MS, timeLeft))
  const timeout = AbortSignal.timeout(milliseconds)
  const signal = AbortSignal.any([stop, timeout])
  const body =
    form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form).toString()
  let response: Response | undefined
  let bytes: Uint8Array | undefined
  try {
    response = await fetch(url, {method, headers, body, signal, redirect: 'manual'})
    bytes = await bytesOf(response, maxBytes)
  } catch (error) {
    stop.throwIfAborted()
    if (timeout.aborted) return {problem: `no complete answer within ${milliseconds} ms`, retry: repeatable}
    // What fetch throws only says "fetch failed"; its cause says why.
    const cause: unknown = error instanceof Error ? (error.cause ?? error) : error
    const {code = '', message} = cause as {code?: string; message: string}
    const problem = message.includes(code) ? message : `${message} (${code})`
    return {problem, retry: repeatable && (response !== undefined || PASSING_ERRORS.test(code)), cause}
  }
  const {status} = response
  if (bytes === undefined) {
    return {problem: `answered ${status} with more than ${maxBytes} bytes`, retry: false, status, tooLarge: true}
  }
  return judge(response, bytes, request, repeatable)
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

async function bytesOf(response: Response, maxBytes: number): Promise<Uint8Array | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    size += chunk.byteLength
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}
