import {failure} from '../../errors.ts'
import {pause} from '../../pause.ts'
import {assertWritable, type WritableNames} from './guard.ts'
import {describeEntry, isTransient, saysAlreadyThere, ServiceError} from './service-error.ts'

export interface ConnectionOptions {
  readonly project: string
  readonly dataset: string
  readonly location?: string
  /** The origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
}

/** Headers that say who is asking. */
export type Authorize = () => Promise<Headers>

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** Behind `/bigquery/v2/projects/<project>`. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
  /** What an error says was being done. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
}

export interface Upload {
  readonly job: object
  readonly content: Blob
  readonly what: string
}

const GOOGLE = 'https://bigquery.googleapis.com'
const TIMEOUT = 60_000
/** Bytes a millisecond that a slow line carries. */
const SLOWEST_UPLOAD = 100
const ATTEMPTS = 6
const FIRST_PAUSE = 300
const LONGEST_PAUSE = 20_000

/** The one way to the service: every request passes the guard, has an end in time, and fails without quoting data. */
export class Connection {
  readonly project: string
  readonly dataset: string
  readonly location: string | undefined
  readonly #endpoint: string
  readonly #authorize: Authorize
  #writable: WritableNames | undefined

  constructor(options: ConnectionOptions, authorize: Authorize) {
    this.project = options.project
    this.dataset = options.dataset
    this.location = options.location
    this.#endpoint = options.apiEndpoint ?? GOOGLE
    this.#authorize = authorize
  }

  /** Nothing can be written before this, and never anything else. */
  allowWrites(names: WritableNames): void {
    this.#writable = names
  }

  tableName(table: string): string {
    return `\`${this.project}.${this.dataset}.${table}\``
  }

  /** For requests that may be repeated without harm. */
  async request(request: ServiceRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.requestOnce(request)
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error
      }
      await pause(pauseBefore(attempt), request.signal)
    }
  }

  async requestOnce(request: ServiceRequest): Promise<unknown> {
    const {method, path, query = {}, body} = request
    assertWritable(this, this.#writable, request)
    const url = new URL(`${this.#endpoint}/bigquery/v2/projects/${encodeURIComponent(this.project)}${path}`)
    for (const [name, value] of Object.entries(query)) url.searchParams.set(name, value)
    const headers = await this.#authorize()
    if (body !== undefined) headers.set('content-type', 'application/json')
    return this.#send(url, request, {
      method,
      headers,
      timeout: TIMEOUT,
      ...(body !== undefined && {body: JSON.stringify(body)}),
    })
  }

  /** A load job with its data in one request; the blob is read from disk as it is sent. */
  async upload({job, content, what}: Upload): Promise<unknown> {
    assertWritable(this, this.#writable, {method: 'POST', path: '/jobs', body: job})
    const boundary = 'lorchestra-8f1c2a7d'
    const body = new Blob([
      `--${boundary}\r\ncontent-type: application/json; charset=UTF-8\r\n\r\n${JSON.stringify(job)}\r\n`,
      `--${boundary}\r\ncontent-type: application/octet-stream\r\n\r\n`,
      content,
      `\r\n--${boundary}--\r\n`,
    ])
    const url = new URL(`${this.#endpoint}/upload/bigquery/v2/projects/${encodeURIComponent(this.project)}/jobs`)
    url.searchParams.set('uploadType', 'multipart')
    const headers = await this.#authorize()
    headers.set('content-type', `multipart/related; boundary=${boundary}`)
    return this.#send(url, {what}, {method: 'POST', headers, body, timeout: TIMEOUT + body.size / SLOWEST_UPLOAD})
  }

  async #send(
    url: URL,
    {what, signal}: {readonly what: string; readonly signal?: AbortSignal | undefined},
    {timeout, ...init}: RequestInit & {readonly timeout: number},
  ): Promise<unknown> {
    const inTime = AbortSignal.timeout(Math.ceil(timeout))
    try {
      const answer = await fetch(url, {
        ...init,
        redirect: 'error',
        signal: signal === undefined ? inTime : AbortSignal.any([signal, inTime]),
      })
      const text = await answer.text()
      if (answer.ok) return text === '' ? undefined : (JSON.parse(text) as unknown)
      throw errorOf(what, answer.status, text)
    } catch (error) {
      if (error instanceof ServiceError) throw error
      signal?.throwIfAborted()
      const reason = inTime.aborted ? 'no answer in time' : networkReason(error)
      throw new ServiceError({what, reason, ambiguous: true})
    }
  }
}

export const pauseBefore = (attempt: number): number =>
  Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + Math.random())

export async function googleCredentials(): Promise<Authorize> {
  const {GoogleAuth} = await import('google-auth-library')
  const auth = new GoogleAuth({scopes: ['https://www.googleapis.com/auth/bigquery']})
  return async () => {
    try {
      return new Headers(await auth.getRequestHeaders(GOOGLE))
    } catch {
      // Its message may quote the key file.
      throw failure(
        'Google Cloud credentials are missing or were refused',
        'Run gcloud auth application-default login, or set GOOGLE_APPLICATION_CREDENTIALS to a key file.',
      )
    }
  }
}

export const noCredentials: Authorize = () => Promise.resolve(new Headers())

function errorOf(what: string, status: number, text: string): ServiceError {
  const fallback = status === 404 ? 'no such address' : 'no reason given'
  let entry: {reason?: unknown; message?: unknown; location?: unknown} = {}
  try {
    const parsed = JSON.parse(text) as {error?: {errors?: (typeof entry)[]; message?: unknown}}
    entry = parsed.error?.errors?.[0] ?? {message: parsed.error?.message}
  } catch {
    // Not the service's own answer but one of something in between.
  }
  const {reason, note} = describeEntry(entry, fallback)
  const duplicate = typeof entry.message === 'string' && saysAlreadyThere(entry.message)
  return new ServiceError({
    what,
    status,
    reason: duplicate ? 'duplicate' : reason,
    note,
    ambiguous: status >= 500 && !duplicate,
  })
}

function networkReason(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined
  return typeof code === 'string' ? `the connection failed, ${code}` : 'the connection failed'
}
