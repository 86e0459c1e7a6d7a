import {throughProxy} from '../../base/proxy.ts'
import {hasCode} from '../../base/system-error.ts'
import type {HttpRequest, HttpResponse} from '../../source.ts'
import {judge, type Failure} from './answer.ts'
import {connectionProblem, rememberAnswer} from './connection-problem.ts'
import {send, type Received} from './send.ts'

export interface Attempt {
  readonly url: URL
  readonly method: string
  readonly request: HttpRequest
  readonly authorization: string | undefined
  readonly signal: AbortSignal
  /** Milliseconds that are left for the request. */
  readonly timeLeft: number
}

const LARGEST_BODY = 64 * 1024 * 1024
const LONGEST_SILENCE = 60_000
const REPEATABLE_METHODS = new Set(['GET', 'PUT', 'DELETE'])

/** Sends a request once. Throws only where `signal` was aborted, with its reason. */
export async function attempt({
  url,
  method,
  request,
  authorization,
  signal: stop,
  timeLeft,
}: Attempt): Promise<HttpResponse | Failure> {
  const {form, json, maxBytes = LARGEST_BODY} = request
  const repeatable = request.repeatable ?? (REPEATABLE_METHODS.has(method) || form !== undefined)
  const headers = headersOf(request, authorization)
  const idleTimeout = new IdleTimeout(request.timeout ?? LONGEST_SILENCE, timeLeft, stop)
  const body =
    form === undefined ? (json === undefined ? null : JSON.stringify(json)) : new URLSearchParams(form).toString()
  let received: Received | undefined
  let chunks: Uint8Array[] | undefined
  try {
    received = await send(url, {method, headers, body, signal: idleTimeout.signal})
    rememberAnswer(url)
    chunks = await chunksOf(received, maxBytes, idleTimeout)
  } catch (error) {
    stop.throwIfAborted()
    if (idleTimeout.ended !== undefined) return {problem: `${idleTimeout.ended}${throughProxy(url)}`, retry: repeatable}
    // No cause: it could quote the value.
    if (hasCode(error, 'UND_ERR_INVALID_ARG'))
      return {problem: 'a header holds characters that cannot be sent', retry: false}
    const {problem, passing} = connectionProblem(error, url)
    return {problem, retry: repeatable && (received !== undefined || passing), cause: error}
  } finally {
    idleTimeout.end()
  }
  const {status} = received
  if (chunks === undefined) {
    return {problem: `answered ${status} with more than ${maxBytes} bytes`, retry: false, status, tooLarge: true}
  }
  return judge(received, chunks, request, repeatable)
}

/** Ends a try in which nothing arrives for too long, however much has arrived: a large answer on a slow line takes its time. */
class IdleTimeout {
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

function headersOf(
  {headers = {}, form, json}: HttpRequest,
  authorization: string | undefined,
): Readonly<Record<string, string>> {
  const type = form === undefined ? 'application/json' : 'application/x-www-form-urlencoded'
  const asked = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value] as const)
  return {
    accept: 'application/json',
    'user-agent': 'lorchestra',
    ...Object.fromEntries(asked),
    ...(authorization !== undefined && {authorization}),
    ...((form !== undefined || json !== undefined) && {'content-type': type}),
  }
}

async function chunksOf(
  {body}: Received,
  maxBytes: number,
  idleTimeout: IdleTimeout,
): Promise<Uint8Array[] | undefined> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Uint8Array>) {
    idleTimeout.renew()
    size += chunk.byteLength
    // Leaving the loop destroys what is not read.
    if (size > maxBytes) return undefined
    chunks.push(chunk)
  }
  return chunks
}
