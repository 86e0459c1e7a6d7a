import {asError} from '../../base/errors.ts'
import {parseExactly} from '../../base/exact-json.ts'
import {TRANSIENT_STATUSES} from '../../base/transient-statuses.ts'
import type {HttpRequest, HttpResponse, JsonObject, JsonValue} from '../../source.ts'
import {askedPause} from './asked-pause.ts'
import {decodeUtf8, toUtf8} from './body-text.ts'
import {findList, WHOLE_ANSWER, type ListPlace} from './json-elements.ts'
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
  readonly isList?: true
  readonly cause?: unknown
}

const QUOTA_STATUSES = new Set([403, 429])
/** Google writes "Too many concurrent requests for user"; Dataverse "Number of concurrent requests exceeded the limit". */
const TOO_MANY_CONCURRENT = /concurrent requests/i

/** Says what an answer means. Empties `chunks`. A page with status 200 that is not JSON must never look like an empty answer. */
export function judge(
  {status, headers}: Pick<HttpResponse, 'status' | 'headers'>,
  chunks: Uint8Array[],
  {allow = [], retryable, listInParts}: HttpRequest,
  repeatable: boolean,
): HttpResponse | Failure {
  const type = headers.get('content-type')
  const {body, parts, isList, problem: unread} = contentOf(chunks, type, listInParts)
  if (status >= 300 && status < 400) return {problem: `answered ${status}, a redirect`, retry: false, status}
  if ((status >= 200 && status < 300) || allow.includes(status)) {
    if (body !== undefined) return {status, headers, body, ...(parts !== undefined && {parts})}
    if (unread !== undefined)
      return {problem: `answered ${status}, but ${unread}`, retry: false, status, ...(isList === true && {isList})}
    const shownType = /^[\w.+/-]+/.exec(type ?? '')?.[0] ?? 'a body without a type'
    const problem = `answered ${status} with ${shownType}, which is not a JSON object`
    return {problem, retry: repeatable, oddAnswer: true, status}
  }
  const details = detailsOf(body)
  const after = askedPause(headers, details)
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

interface Content {
  readonly body?: JsonObject
  readonly parts?: Iterable<readonly JsonValue[]>
  readonly isList?: true
  /** Why it cannot be read, where another try would not help. */
  readonly problem?: string
}

/** Each form of a body is let go of as soon as the next exists: a large page must not be held three times. */
function contentOf(chunks: Uint8Array[], contentType: string | null, listInParts: string | undefined): Content {
  let bytes: Buffer<ArrayBuffer>
  try {
    bytes = toUtf8(joined(chunks.splice(0)), contentType)
  } catch (error) {
    return {problem: asError(error).message}
  }
  const list = listInParts === undefined ? undefined : findList(bytes, listInParts)
  try {
    if (listInParts === undefined || list === undefined) return objectIn(bytes)
    const around = parsed(Buffer.concat([bytes.subarray(0, list.start), bytes.subarray(list.end)]))
    if (listInParts === WHOLE_ANSWER) return isEmptyList(around) ? {body: {}, parts: elementsOf(bytes, list)} : {}
    // Named twice, say: then it is another list than the one that was found.
    if (!isObject(around) || !isEmptyList(around[listInParts])) return {}
    return {body: around, parts: elementsOf(bytes, list)}
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

function objectIn(bytes: Uint8Array): Content {
  const value = parsed(bytes)
  if (isObject(value)) return {body: value}
  if (!Array.isArray(value)) return {}
  return {isList: true, problem: "it is a JSON list; the source must ask for it with listInParts: ''"}
}

const parsed = (bytes: Uint8Array): JsonValue => parseExactly(decodeUtf8(bytes).replace(/^\uFEFF/, ''))

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

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
