import {LorchestraError} from '../../errors.ts'

interface ServiceErrorDetails {
  /** What was being done. */
  readonly what: string
  readonly status?: number
  readonly reason: string
  readonly note?: string
  readonly ambiguous?: boolean
}

/** What the service, a job or the network said, without any words that could quote a payload or a credential. */
export class ServiceError extends LorchestraError {
  /** HTTP status; `undefined` for a failed job or a connection that broke. */
  readonly status: number | undefined
  readonly reason: string
  /** It may or may not have been done. */
  readonly ambiguous: boolean

  constructor({what, status, reason, note = '', ambiguous = false}: ServiceErrorDetails) {
    const next = ADVICE[reason]
    const answer = status === undefined || status < 400 ? reason : `${status} ${reason}`
    super('failed', `BigQuery: ${what}: ${answer}${note === '' ? '' : ` (${note})`}`, next === undefined ? {} : {next})
    this.status = status
    this.reason = reason
    this.ambiguous = ambiguous
  }
}

const ADVICE: Readonly<Record<string, string>> = {
  accessDenied: 'Grant the account roles/bigquery.jobUser on the project and roles/bigquery.dataEditor on the dataset.',
  accessNotConfigured: 'Enable the BigQuery API in the project (gcloud services enable bigquery.googleapis.com).',
  authError: 'The credentials were refused: run gcloud auth application-default login, or renew the key file.',
  notFound: 'Check project, dataset and location under warehouse: in lorchestra.yaml.',
  bytesBilledLimitExceeded: 'Raise warehouse.max_bytes_billed in lorchestra.yaml, or read a shorter window.',
  quotaExceeded: 'Wait for the quota to recover, or raise it in the Google Cloud console; nothing was written.',
}

/** Proved absent; `accessDenied` is never that. */
export const isNotFound = (error: unknown): boolean => error instanceof ServiceError && error.reason === 'notFound'

const ALREADY_THERE = /already (exists|created)/i

export const isDuplicate = (error: unknown): boolean =>
  error instanceof ServiceError && (error.status === 409 || error.reason === 'duplicate')

export const saysAlreadyThere = (message: string): boolean => ALREADY_THERE.test(message)

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
const TRANSIENT_STATUS = [408, 429, 500, 502, 503, 504]

export function isTransient(error: unknown): boolean {
  if (!(error instanceof ServiceError)) return false
  if (error.ambiguous || TRANSIENT_REASONS.includes(error.reason)) return true
  return error.status !== undefined && TRANSIENT_STATUS.includes(error.status) && error.reason !== 'quotaExceeded'
}

// Their messages name tables, permissions and limits; all others may quote values.
const SPEAKABLE = [
  'accessDenied',
  'notFound',
  'duplicate',
  'quotaExceeded',
  'rateLimitExceeded',
  'bytesBilledLimitExceeded',
  'authError',
  'accessNotConfigured',
]
const CONFLICT =
  /could not serialize access|concurrent update|transaction is aborted|too many dml statements outstanding/i

interface ErrorEntry {
  readonly reason?: unknown
  readonly location?: unknown
  readonly message?: unknown
}

/** Reduces an entry of an `errors` list. Conflicts between statements have no reason of their own. */
export function describeEntry(entry: ErrorEntry, fallback: string): {readonly reason: string; readonly note: string} {
  const message = typeof entry.message === 'string' ? entry.message : ''
  const assertion = /lorchestra: (\w+)/.exec(message)?.[1]
  if (assertion !== undefined) return {reason: assertion, note: ''}
  if (saysAlreadyThere(message)) return {reason: 'duplicate', note: ''}
  if (CONFLICT.test(message)) return {reason: 'concurrentUpdate', note: ''}
  const reason = typeof entry.reason === 'string' && entry.reason !== '' ? entry.reason : fallback
  const place = /at \[\d+:\d+\]/.exec(message)?.[0] ?? ''
  const note = SPEAKABLE.includes(reason)
    ? message.slice(0, 300)
    : [typeof entry.location === 'string' ? entry.location : '', place].filter((part) => part !== '').join(' ')
  return {reason, note: note.replaceAll(/\s+/g, ' ')}
}
