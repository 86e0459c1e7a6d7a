import type {AuthClient, gaxios} from 'google-auth-library'

import {LorchestraError} from '../../errors.ts'
import {pause} from '../../pause.ts'
import {untilAborted} from '../../until-aborted.ts'
import {authorizationOf} from './credentials.ts'
import {assertWritable, type WritableNames} from './guard.ts'
import {isTransient, requestError, ServiceError} from './service-error.ts'
import {uploadOf} from './upload.ts'

export interface ConnectionOptions {
  readonly project: string
  readonly dataset: string
  readonly location?: string
  /** The origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
  /** Milliseconds to wait for an answer, or for any more of an upload to be taken: a minute. Pauses go with it. */
  readonly patience?: number
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
  /** Of NDJSON. */
  readonly files: readonly string[]
  readonly what: string
}

const GOOGLE = 'https://bigquery.googleapis.com'
const PATIENCE = 60_000
const ATTEMPTS = 6
const FIRST_PAUSE = 300
const LONGEST_PAUSE = 20_000

/** The one way to the service: every request passes the guard, has an end in time, and fails without quoting data. */
export class Connection {
  readonly project: string
  readonly dataset: string
  readonly location: string | undefined
  readonly #patience: number
  readonly #endpoint: string
  readonly #isEmulator: boolean
  readonly #credentials: AuthClient
  #writable: WritableNames | undefined

  constructor(options: ConnectionOptions, credentials: AuthClient) {
    this.project = options.project
    this.dataset = options.dataset
    this.location = options.location
    this.#patience = options.patience ?? PATIENCE
    this.#endpoint = options.apiEndpoint ?? GOOGLE
    this.#isEmulator = options.apiEndpoint !== undefined
    this.#credentials = credentials
  }

  /** Where a job is only ever found again. */
  in(location: string): Connection {
    const {project, dataset} = this
    const apiEndpoint = this.#isEmulator ? {apiEndpoint: this.#endpoint} : {}
    return new Connection({project, dataset, location, ...apiEndpoint, patience: this.#patience}, this.#credentials)
  }

  /** Nothing can be written before this, and never anything else. */
  allowWrites(names: WritableNames): void {
    this.#writable = names
  }

  tableName(table: string): string {
    return `\`${this.project}.${this.dataset}.${table}\``
  }

  /** Milliseconds, longer for each attempt and never the same. */
  pauseBefore(attempt: number): number {
    const longest = Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)) * (this.#patience / PATIENCE)
    return longest * (0.5 + Math.random())
  }

  /** For requests that may be repeated without harm. */
  async request(request: ServiceRequest): Promise<unknown> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await this.requestOnce(request)
      } catch (error) {
        if (attempt === ATTEMPTS || !isTransient(error)) throw error
      }
      await pause(this.pauseBefore(attempt), request.signal)
    }
  }

  async requestOnce(request: ServiceRequest): Promise<unknown> {
    assertWritable(this, this.#writable, request)
    const {path, body} = request
    const whole = `/bigquery/v2/projects/${encodeURIComponent(this.project)}${path}`
    return this.#send({...request, path: whole}, async () =>
      Promise.resolve(
        body === undefined ? {} : {data: JSON.stringify(body), headers: {'content-type': 'application/json'}},
      ),
    )
  }

  /** A load job with its data in one request. */
  async upload({job, files, what}: Upload): Promise<unknown> {
    assertWritable(this, this.#writable, {method: 'POST', path: '/jobs', body: job})
    const path = `/upload/bigquery/v2/projects/${encodeURIComponent(this.project)}/jobs`
    const request = {method: 'POST', path, query: {uploadType: 'multipart'}, what} as const
    // What lies between may have taken all of it and still be passing it on.
    return this.#send(request, async (stillGoing) => uploadOf(job, files, stillGoing), 2 * this.#patience)
  }

  /** Google's own client renews the token and heeds a proxy; it repeats nothing, not knowing what may be repeated. */
  async #send(
    {method, path, query, what, signal}: ServiceRequest,
    content: (stillGoing: () => void) => Promise<Pick<gaxios.GaxiosOptions, 'headers' | 'data' | 'adapter'>>,
    patience = this.#patience,
  ): Promise<unknown> {
    const url = new URL(path, this.#endpoint)
    for (const [name, value] of Object.entries(query ?? {})) url.searchParams.set(name, value)
    return answered({what, signal, patience}, async (ended, stillGoing) => {
      await authorizationOf(this.#credentials)
      const answer = await this.#credentials.request<string>({
        method,
        url,
        signal: ended,
        responseType: 'text',
        redirect: 'error',
        retry: false,
        ...(this.#isEmulator && {noProxy: [url]}),
        ...(await content(stillGoing)),
      })
      return answer.data === '' ? undefined : (JSON.parse(answer.data) as unknown)
    })
  }
}

interface Waiting extends Pick<ServiceRequest, 'what' | 'signal'> {
  readonly patience: number
}

/** Ends what nobody answers and nothing more is taken of. */
async function answered<Answer>(
  {what, signal, patience: milliseconds}: Waiting,
  ask: (ended: AbortSignal, stillGoing: () => void) => Promise<Answer>,
): Promise<Answer> {
  const patience = new AbortController()
  const timer = setTimeout(() => patience.abort(), milliseconds)
  const ended = signal === undefined ? patience.signal : AbortSignal.any([signal, patience.signal])
  try {
    ended.throwIfAborted()
    return await untilAborted(
      ask(ended, () => timer.refresh()),
      ended,
    )
  } catch (error) {
    const ours = [error, (error as {cause?: unknown}).cause].find((one) => one instanceof LorchestraError)
    if (ours !== undefined) throw ours
    signal?.throwIfAborted()
    throw patience.signal.aborted
      ? new ServiceError({what, reason: 'no answer in time', ambiguous: true})
      : requestError(what, error)
  } finally {
    clearTimeout(timer)
  }
}
