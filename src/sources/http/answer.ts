import {parseExactly} from '../../base/exact-json.ts'
import {TRANSIENT_STATUSES} from '../../base/transient-statuses.ts'
import type {HttpRequest, HttpResponse, JsonObject, JsonValue} from '../../source.ts'
import {findList, type ListPlace} from './json-elements.ts'
import {partsOf} from './list-parts.ts'

/** A try failed for this reason, and another one may help or not. */
export interface Failure {
  readonly problem: string
  readonly retry: boolean
  /** Milliseconds that the server asked for. */
  readonly after?: number | undefined
  /** A quota refused it, so the other requests of the account must wait too. */
  readonly pausesAll?: boolean
  /** The server minds how many requests it gets at once. */
  readonly tooManyConcurrent?: boolean
  /** Another try may help, but hardly an eighth one. */
  readonly oddAnswer?: boolean
  readonly status?: number
  readonly headers?: Headers
  readonly body?: JsonObject | undefined
  readonly tooLarge?: true
  readonly cause?: unknown
}

const UTF_8 = new TextDecoder('utf-8', {fatal: true})
const QUOTA_STATUSES = new Set([403, 429])
/** Google writes "Too many concurrent requests for user"; Dataverse "Number of concurrent requests exceeded the limit". */
const TOO_MANY_CONCURRENT = /concurrent requests/i
/** Google writes "User-rate limit exceeded.  Retry after 2020-01-21T12:57:51.196Z", in the text alone. */
const RETRY_AFTER_TEXT = /retry after (\d{4}-\d\d-\d\dT[\d:.]+Z)/i

/** Says what an answer means. Empties `chunks`. A page with status 200 that is not JSON must never look like an empty answer. */
export function judge(
  {status, headers}: Pick<HttpResponse, 'status' | 'headers'>,
  chunks: Uint8Array[],
  {allow = [], retryable, listInParts}: HttpRequest,
  repeatable: boolean,
): HttpResponse | Failure {
  const {body, parts} = contentOf(chunks, listInParts)
  if (status >= 300 && status < 400) return {problem: `answered ${status}, a redirect`, retry: false, status}
  if ((status >= 200 && status < 300) || allow.includes(status)) {
    if (body !== undefined) return {status, headers, body, ...(parts !== undefined && {parts})}
    const type = /^[\w.+/-]+/.exec(headers.get('content-type') ?? '')?.[0] ?? 'a body without a type'
    const problem = `answered ${status} with ${type}, which is not a JSON object`
    return {problem, retry: repeatable, oddAnswer: true, status}
  }
  const details = detailsOf(body)
  const after = retryAfter(headers, details)
  return {
    problem: ['answered', status, ...(details === '' ? [] : [details])].join(' '),
    retry: retryable?.({status, headers, body: body ?? {}}) ?? (repeatable && TRANSIENT_STATUSES.has(status)),
    after,
    pausesAll: after !== undefined || QUOTA_STATUSES.has(status),
    tooManyConcurrent: TOO_MANY_CONCURRENT.test(details),
    status,
    headers,
    body,
  }
}

/** Each form of a body is let go of as soon as the next exists: a large page must not be held three times. */
function contentOf(
  chunks: Uint8Array[],
  listInParts: string | undefined,
): Partial<Pick<HttpResponse, 'body' | 'parts'>> {
  const bytes = joined(chunks.splice(0))
  const list = listInParts === undefined ? undefined : findList(bytes, listInParts)
  try {
    if (listInParts === undefined || list === undefined) return objectIn(UTF_8.decode(bytes))
    const around = UTF_8.decode(bytes.subarray(0, list.start)) + UTF_8.decode(bytes.subarray(list.end))
    const {body} = objectIn(around)
    // Named twice, say: then it is another list than the one that was found.
    if (body === undefined || !isEmptyList(body[listInParts])) return {}
    return {body, parts: elementsOf(bytes, list)}
  } catch {
    return {}
  } finally {
    if (list === undefined) free(bytes)
  }
}

/** Frees the memory without the garbage collector, which counts little of what is outside of its heap. */
function free({buffer}: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0)
}

/** Joins them in memory of its own, unlike a small Buffer of `concat`. */
function joined(chunks: readonly Uint8Array[]): Buffer<ArrayBuffer> {
  const bytes = Buffer.from(new ArrayBuffer(chunks.reduce((size, chunk) => size + chunk.byteLength, 0)))
  let at = 0
  for (const chunk of chunks) {
    bytes.set(chunk, at)
    at += chunk.byteLength
  }
  return bytes
}

const isEmptyList = (value: unknown): boolean => Array.isArray(value) && value.length === 0

function* elementsOf(bytes: Uint8Array, list: ListPlace): Generator<readonly JsonValue[], void> {
  try {
    yield* partsOf(bytes, list)
  } catch {
    // Its own error would quote what is there.
    throw new Error('a list in the answer is not JSON; run the same command again')
  }
}

function objectIn(text: string): {readonly body?: JsonObject} {
  const value = parseExactly(text)
  return isObject(value) ? {body: value} : {}
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Reads seconds, or a date by the clock of the server; answers in milliseconds. */
function retryAfter(headers: Headers, details: string): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const written = /[a-z]/i.test(value) ? value : RETRY_AFTER_TEXT.exec(details)?.[1]
  const date = Date.parse(written ?? '')
  const now = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : Math.max(0, date - (Number.isNaN(now) ? Date.now() : now))
}

/**
 * Understands `{error: {message, code, status, errors: [{reason}]}}`, OAuth's `{error, error_description}` and a plain
 * `{message}`.
 */
function detailsOf(body: JsonObject | undefined): string {
  const error = body?.['error']
  let [name, message] = [error, body?.['error_description'] ?? body?.['message']]
  if (isObject(error)) {
    const [first] = Array.isArray(error['errors']) ? (error['errors'] as readonly JsonValue[]) : []
    const names = [isObject(first) ? first['reason'] : undefined, error['code'], error['status']]
    name = names.find((candidate) => typeof candidate === 'string')
    message = error['message']
  }
  return (
    [name, message]
      .filter((text) => typeof text === 'string')
      .join(': ')
      .slice(0, 500)
      // Control characters could write to the terminal.
      .replaceAll(/\p{Cc}+/gu, ' ')
  )
}
