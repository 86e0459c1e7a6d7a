import {parseExactly} from './exact-json.ts'
import type {HttpRequest, HttpResponse, JsonObject, JsonValue} from './source.ts'

/** Why a try failed, and whether another one may help. */
export interface Failure {
  readonly problem: string
  readonly retry: boolean
  /** Milliseconds that the server asked for. */
  readonly after?: number | undefined
  /** A quota, so that other requests of the account must wait too. */
  readonly pausesAll?: boolean
  readonly status?: number
  readonly body?: JsonObject | undefined
  readonly tooLarge?: true
  readonly cause?: unknown
}

const RETRYABLE_STATUSES = new Set([408, 429, 500, 502, 503, 504])
const QUOTA_STATUSES = new Set([403, 429])

/** What an answer means. A page with status 200 that is not JSON must never look like an empty answer. */
export function judge(
  {status, headers}: Response,
  bytes: Uint8Array,
  {allow = [], retryable}: HttpRequest,
  repeatable: boolean,
): HttpResponse | Failure {
  const body = objectIn(bytes)
  if (status >= 300 && status < 400) return {problem: `answered ${status}, a redirect`, retry: false, status}
  if ((status >= 200 && status < 300) || allow.includes(status)) {
    if (body !== undefined) return {status, headers, body}
    const type = /^[\w.+/-]+/.exec(headers.get('content-type') ?? '')?.[0] ?? 'a body without a type'
    return {problem: `answered ${status} with ${type}, which is not a JSON object`, retry: false, status}
  }
  const after = retryAfter(headers)
  return {
    problem: ['answered', status, ...detailsOf(body)].join(' '),
    retry: retryable?.({status, headers, body: body ?? {}}) ?? (repeatable && RETRYABLE_STATUSES.has(status)),
    after,
    pausesAll: after !== undefined || QUOTA_STATUSES.has(status),
    status,
    body,
  }
}

function objectIn(bytes: Uint8Array): JsonObject | undefined {
  try {
    const value = parseExactly(new TextDecoder('utf-8', {fatal: true}).decode(bytes))
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

const isObject = (value: JsonValue | undefined): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** Seconds, or a date by the clock of the server. */
function retryAfter(headers: Headers): number | undefined {
  const value = headers.get('retry-after')?.trim() ?? ''
  if (/^\d+$/.test(value)) return Number(value) * 1000
  const date = /[a-z]/i.test(value) ? Date.parse(value) : Number.NaN
  const now = Date.parse(headers.get('date') ?? '')
  return Number.isNaN(date) ? undefined : Math.max(0, date - (Number.isNaN(now) ? Date.now() : now))
}

/** Of `{error: {message, code, status, errors: [{reason}]}}`, or of OAuth's `{error, error_description}`. */
function detailsOf(body: JsonObject | undefined): string[] {
  const error = body?.['error']
  let [name, message] = [error, body?.['error_description']]
  if (isObject(error)) {
    const [first] = Array.isArray(error['errors']) ? (error['errors'] as readonly JsonValue[]) : []
    const names = [isObject(first) ? first['reason'] : undefined, error['code'], error['status']]
    name = names.find((candidate) => typeof candidate === 'string')
    message = error['message']
  }
  const texts = [name, message].filter((text) => typeof text === 'string')
  // Control characters could write to the terminal.
  return texts.length === 0
    ? []
    : [
        texts
          .join(': ')
          .slice(0, 500)
          .replaceAll(/\p{Cc}+/gu, ' '),
      ]
}
