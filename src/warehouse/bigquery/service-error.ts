import {LorchestraError} from '../../base/errors.ts'
import {TRANSIENT_STATUSES} from '../../base/transient-statuses.ts'
import {adviceFor, codeFor, NO_CONNECTION} from './advice.ts'

interface ServiceErrorDetails {
  /** This was being done. */
  readonly what: string
  readonly status?: number
  readonly reason: string
  readonly note?: string
  readonly ambiguous?: boolean
}

/** It says what the service, a job or the network said, without any words that could quote a payload or a credential. */
export class ServiceError extends LorchestraError {
  /** It is the HTTP status, and `undefined` for a failed job or a connection that broke. */
  readonly status: number | undefined
  readonly reason: string
  readonly note: string
  /** It may or may not have been done. */
  readonly ambiguous: boolean

  constructor({what, status, reason, note = '', ambiguous = false}: ServiceErrorDetails) {
    const next = adviceFor(reason, note)
    const answer = status === undefined || status < 400 ? reason : `${status} ${reason}`
    const unreachable = status === undefined && ambiguous
    super('failed', `BigQuery: ${what}: ${answer}${note === '' ? '' : ` (${note})`}`, {
      code: unreachable ? 'E_WAREHOUSE_UNREACHABLE' : codeFor(reason),
      ...(next !== undefined && {next}),
    })
    this.status = status
    this.reason = reason
    this.note = note
    this.ambiguous = ambiguous
  }
}

const says = (error: unknown, ...reasons: readonly string[]): boolean =>
  error instanceof ServiceError && reasons.includes(error.reason)

/** A table or job is proved absent; one that may not be looked at, or whose dataset is absent, is never that. */
export const isNotFound = (error: unknown): boolean => says(error, 'notFound')
export const isDatasetNotFound = (error: unknown): boolean => says(error, 'datasetNotFound')
export const isProjectNotFound = (error: unknown): boolean => says(error, 'projectNotFound')
export const isForbidden = (error: unknown): boolean => says(error, 'accessDenied', 'forbidden')
/** A table is there, or holds rows, where a new one or an empty one was wanted. */
export const isTableThere = (error: unknown): boolean => says(error, 'tableThere')
export const isDuplicate = (error: unknown): boolean =>
  says(error, 'duplicate', 'tableThere') || (error instanceof ServiceError && error.status === 409)

const TRANSIENT_REASONS = [
  'backendError',
  'internalError',
  'jobBackendError',
  'jobInternalError',
  'rateLimitExceeded',
  'userRateLimitExceeded',
  'jobRateLimitExceeded',
  'tableUnavailable',
  'concurrentUpdate',
]

export function isTransient(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false
  if (error.ambiguous || TRANSIENT_REASONS.includes(error.reason)) return true
  return error.status !== undefined && TRANSIENT_STATUSES.has(error.status) && error.reason !== 'quotaExceeded'
}

/** It is an entry of an `errors` list. */
export interface ErrorEntry {
  readonly reason?: unknown
  readonly location?: unknown
  readonly message?: unknown
}

const ALREADY = ['duplicate', 'tableThere']

/** Makes an error of an answer that is no success. */
function refusal(what: string, status: number, entry: ErrorEntry, asksOnly: boolean): ServiceError {
  const {reason, note} = describeEntry(entry, status === 404 ? 'no such address' : 'no reason given', asksOnly)
  return new ServiceError({what, status, reason, note, ambiguous: status >= 500 && !ALREADY.includes(reason)})
}

/** Finds the first entry in an answer's text. */
function firstEntry(text: string): ErrorEntry {
  try {
    const {error} = JSON.parse(text) as {error?: {errors?: readonly ErrorEntry[]; message?: unknown}}
    return error?.errors?.[0] ?? {message: error?.message}
  } catch {
    // Not the service's own answer but one of something in between.
    return {}
  }
}

interface RequestFailure {
  readonly code?: unknown
  readonly errors?: readonly ErrorEntry[]
  readonly cause?: {readonly code?: unknown}
  readonly response?: {readonly statusCode?: number; readonly status?: number; readonly data?: unknown}
}

/**
 * Makes an error of what Google's client threw, or its credentials for an upload: they name the status differently. `through`
 * names the proxy; what the service says of a request that asks only is told.
 */
export function requestError(
  what: string,
  error: unknown,
  {through = '', asksOnly = false}: {readonly through?: string; readonly asksOnly?: boolean} = {},
): ServiceError {
  const {code, errors, cause, response} = error as RequestFailure
  const status = response?.statusCode ?? response?.status
  if (status !== undefined) return refusal(what, status, errors?.[0] ?? firstEntry(String(response?.data)), asksOnly)
  if (error instanceof SyntaxError)
    return new ServiceError({what, reason: 'the answer is not JSON, so not BigQuery’s', ambiguous: true})
  const name = [code, cause?.code].find((found) => typeof found === 'string')
  return new ServiceError({
    what,
    reason: `${NO_CONNECTION}${name === undefined ? '' : `, ${name}`}${through}`,
    ambiguous: true,
  })
}

// Their messages name tables, permissions and limits; all others may quote values.
const SPEAKABLE = [
  'accessDenied',
  'forbidden',
  'notFound',
  'duplicate',
  'quotaExceeded',
  'rateLimitExceeded',
  'bytesBilledLimitExceeded',
  'accessNotConfigured',
  'billingNotEnabled',
]

/** These have no reason of their own, or one that says too little. */
const REASONS_BY_MESSAGE: readonly (readonly [message: RegExp, reason: string])[] = [
  [/already exists: table|is not empty and writeDisposition/i, 'tableThere'],
  [/already (exists|created)/i, 'duplicate'],
  [/could not serialize access|concurrent update|transaction is aborted/i, 'concurrentUpdate'],
  [/too many dml statements outstanding/i, 'concurrentUpdate'],
  [/streaming buffer/i, 'streamingBuffer'],
  [/not found: dataset .* in location/i, 'datasetElsewhere'],
  [/not found: dataset/i, 'datasetNotFound'],
  [/not found: project/i, 'projectNotFound'],
]
const MESSAGE_CHARACTERS = 300

/** These are said of a statement's text, before any data is met: its names, and constants in quotes. */
const OF_THE_TEXT =
  /^(Syntax error|Unrecognized name|No matching signature|Function not found|Type not found|Column \S+ is not|Table name|Name \S+ not found|Operands of)\b/
const firstLine = (message: string): string => message.split('\n', 1)[0]?.slice(0, MESSAGE_CHARACTERS) ?? ''
/** A constant may be a key of a record; one that is cut off has no second quote. */
const withoutQuotes = (line: string): string => line.replaceAll(/"(?:[^"\\]|\\.)*("|$)|'(?:[^'\\]|\\.)*('|$)/g, '"…"')

/** Reduces an entry to a reason, and a note that quotes no value: its own words only where they are `speakable`. */
export function describeEntry(
  entry: ErrorEntry,
  fallback: string,
  speakable = false,
): {readonly reason: string; readonly note: string} {
  const message = typeof entry.message === 'string' ? entry.message : ''
  const assertion = /lorchestra: (\w+)/.exec(message)?.[1]
  if (assertion !== undefined) return {reason: assertion, note: ''}
  const reason = typeof entry.reason === 'string' && entry.reason !== '' ? entry.reason : fallback
  const known = REASONS_BY_MESSAGE.find(([text]) => text.test(message))?.[1]
  if (known !== undefined) return {reason: known, note: ''}
  const place = /at \[\d+:\d+\]/.exec(message)?.[0] ?? ''
  const note =
    speakable || SPEAKABLE.includes(reason)
      ? message.slice(0, MESSAGE_CHARACTERS)
      : OF_THE_TEXT.test(message)
        ? withoutQuotes(firstLine(message))
        : [typeof entry.location === 'string' ? entry.location : '', place].filter((part) => part !== '').join(' ')
  return {reason, note: note.replaceAll(/\s+/g, ' ')}
}
