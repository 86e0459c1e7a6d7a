import type {BigQuery} from '@google-cloud/bigquery'
import type {AuthClient} from 'google-auth-library'

import {pause} from '../../pause.ts'
import {authorizationOf} from './credentials.ts'
import {assertWritable, type WritableNames} from './guard.ts'
import {firstEntry, isTransient, refusal, requestError, ServiceError} from './service-error.ts'

export interface ConnectionOptions {
  readonly project: string
  readonly dataset: string
  readonly location?: string
  /** The origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
}

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
  readonly #credentials: AuthClient
  readonly #client: BigQuery
  #writable: WritableNames | undefined

  constructor(options: ConnectionOptions, credentials: AuthClient, client: BigQuery) {
    this.project = options.project
    this.dataset = options.dataset
    this.location = options.location
    this.#endpoint = options.apiEndpoint ?? GOOGLE
    this.#credentials = credentials
    this.#client = client
  }

  /** Where a job is only ever found again. */
  in(location: string): Connection {
    const {project, dataset} = this
    return new Connection({project, dataset, location, apiEndpoint: this.#endpoint}, this.#credentials, this.#client)
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
    const {method, path, query, body, what, signal} = request
    assertWritable(this, this.#writable, request)
    await authorizationOf(this.#credentials)
    return answered(
      {what, signal, milliseconds: TIMEOUT},
      async () =>
        new Promise((resolve, reject) => {
          const options = {
            method,
            uri: `${this.#endpoint}/bigquery/v2/projects/${encodeURIComponent(this.project)}${path}`,
            // As text: the client would replace {{projectId}} within an object.
            ...(body !== undefined && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}),
            ...(query !== undefined && {qs: query}),
          }
          this.#client.request(options, (error, answer: unknown) => {
            if (error === null) resolve(answer)
            else reject(error)
          })
        }),
    )
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
    const headers = await authorizationOf(this.#credentials)
    headers.set('content-type', `multipart/related; boundary=${boundary}`)
    const milliseconds = Math.ceil(TIMEOUT + body.size / SLOWEST_UPLOAD)
    return answered({what, milliseconds}, async (signal) => {
      const answer = await fetch(url, {method: 'POST', headers, body, redirect: 'error', signal})
      const text = await answer.text()
      if (answer.ok) return JSON.parse(text) as unknown
      throw refusal(what, answer.status, firstEntry(text))
    })
  }
}

interface Waiting {
  readonly what: string
  readonly signal?: AbortSignal | undefined
  readonly milliseconds: number
}

/** Waits no longer than it may; whoever does not look at the signal is left alone with what it does. */
async function answered<Answer>(
  {what, signal, milliseconds}: Waiting,
  ask: (signal: AbortSignal) => Promise<Answer>,
): Promise<Answer> {
  const inTime = AbortSignal.timeout(milliseconds)
  const ended = signal === undefined ? inTime : AbortSignal.any([signal, inTime])
  ended.throwIfAborted()
  try {
    return await new Promise<Answer>((resolve, reject) => {
      ended.addEventListener('abort', () => reject(ended.reason as Error), {once: true})
      ask(ended).then(resolve, reject)
    })
  } catch (error) {
    if (error instanceof ServiceError) throw error
    signal?.throwIfAborted()
    throw inTime.aborted
      ? new ServiceError({what, reason: 'no answer in time', ambiguous: true})
      : requestError(what, error)
  }
}

export const pauseBefore = (attempt: number): number =>
  Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * (0.5 + Math.random())
