import type {BigQuery} from '@google-cloud/bigquery'
import type {AuthClient} from 'google-auth-library'

import {LorchestraError} from '../../base/errors.ts'
import {throughProxy} from '../../base/proxy.ts'
import {pause, untilAborted} from '../../base/waiting.ts'
import {authorizationOf} from './credentials.ts'
import {assertWritable, type WritableNames} from './guard.ts'
import {datasetOf, nameIn, type Datasets, type TableReference} from './names.ts'
import {isTransient, requestError, ServiceError} from './service-error.ts'
import {toldRequest, type Answered} from './told-request.ts'
import {uploadOf} from './upload.ts'

export interface ConnectionOptions extends Datasets {
  /** Jobs run in this project, and are billed to it; in that of the datasets where it is left out. */
  readonly billingProject?: string
  readonly location?: string
  /** Goes with every job, beside what says that it is lorchestra's. */
  readonly labels?: Readonly<Record<string, string>>
  readonly reservation?: string
  /** Protects what is created. */
  readonly kmsKey?: string
  /** It is the origin of an emulator, which gets no credentials. */
  readonly apiEndpoint?: string
  /** It is the origin of Google's own service, which gets them. */
  readonly serviceEndpoint?: string
  /**
   * A request fails where nothing is answered, and no more of an upload is taken, for so many milliseconds. Pauses go
   * with it. @default 60000
   */
  readonly idleTimeout?: number
}

/** Google's client asks, and these are the credentials that it asks with. */
export interface Clients {
  readonly client: BigQuery
  readonly credentials: AuthClient
}

export interface ServiceRequest {
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE'
  /** It goes on from `/bigquery/v2/projects/<project>`: that of the datasets for these, else the one that is billed. */
  readonly path: string
  readonly query?: Readonly<Record<string, string>>
  readonly body?: object
  /** An error says that this was being done. */
  readonly what: string
  readonly signal?: AbortSignal | undefined
  /** It meets no data, so what the service says of it quotes none and is told. */
  readonly asksOnly?: boolean
}

export interface Upload {
  readonly job: object
  /** They hold NDJSON. */
  readonly files: readonly string[]
  readonly what: string
}

const GOOGLE = 'https://bigquery.googleapis.com'
const IDLE_TIMEOUT = 60_000
const ATTEMPTS = 6
const FIRST_PAUSE = 300
const LONGEST_PAUSE = 20_000

/** There is no other way to the service: each request passes the guard, ends in time, and fails without quoting data. */
export class Connection {
  readonly project: string
  readonly dataset: string
  readonly location: string | undefined
  readonly kmsKey: string | undefined
  readonly #options: ConnectionOptions
  readonly #idleTimeout: number
  readonly #endpoint: string
  readonly #clients: Clients
  #writable: WritableNames | undefined

  constructor(options: ConnectionOptions, clients: Clients) {
    this.project = options.project
    this.dataset = options.dataset
    this.location = options.location
    this.kmsKey = options.kmsKey
    this.#options = options
    this.#idleTimeout = options.idleTimeout ?? IDLE_TIMEOUT
    this.#endpoint = options.apiEndpoint ?? options.serviceEndpoint ?? GOOGLE
    this.#clients = clients
  }

  get #billingProject(): string {
    return this.#options.billingProject ?? this.project
  }

  get #through(): string {
    return throughProxy(new URL(this.#endpoint))
  }

  /** Connects to the location, where alone its jobs are found again. */
  in(location: string): Connection {
    return new Connection({...this.#options, location}, this.#clients)
  }

  /** Nothing can be written before this, and never anything else. */
  allowWrites(names: WritableNames): void {
    this.#writable = names
  }

  tableName(table: string): string {
    return `\`${nameIn(this.#options, table)}\``
  }

  referenceTo(tableId: string): TableReference {
    return {projectId: this.project, datasetId: datasetOf(this.#options, tableId), tableId}
  }

  pathOf(table: string): string {
    return `/datasets/${datasetOf(this.#options, table)}/tables/${table}`
  }

  /** Jobs are found again by this, in the project and the location in which they run. */
  jobReference(jobId: string): object {
    const {location} = this
    return {projectId: this.#billingProject, jobId, ...(location !== undefined && {location})}
  }

  /** Every job has this in its configuration, whatever it does. */
  get jobSettings(): object {
    const {labels, reservation} = this.#options
    return {labels: {...labels, tool: 'lorchestra'}, ...(reservation !== undefined && {reservation})}
  }

  /** Answers with milliseconds, more for each attempt and never the same. */
  pauseBefore(attempt: number): number {
    const longest = this.lasting(Math.min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** (attempt - 1)))
    return longest * (0.5 + Math.random())
  }

  /** Gives a deadline in milliseconds, which goes with the time that an answer has. */
  lasting(milliseconds: number): number {
    return milliseconds * (this.#idleTimeout / IDLE_TIMEOUT)
  }

  /** Sends a request that may be repeated without harm. */
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
    const {method, path, query, body, what, signal, asksOnly} = request
    assertWritable(this.#options, this.#writable, request)
    const project = path.startsWith('/datasets/') ? this.project : this.#billingProject
    const {client, credentials} = this.#clients
    const options = {
      method,
      uri: `${this.#endpoint}/bigquery/v2/projects/${encodeURIComponent(project)}${path}`,
      // As text: the client would replace {{projectId}} within an object.
      ...(body !== undefined && {body: JSON.stringify(body), headers: {'content-type': 'application/json'}}),
      ...(query !== undefined && {qs: query}),
    }
    const waiting = {what, signal, asksOnly, idleTimeout: this.#idleTimeout, through: this.#through}
    const ask = async (): Promise<Answered<unknown>> => {
      await authorizationOf(credentials)
      return new Promise((resolve, reject) => {
        client.request(options, (error, answer: unknown, response) => {
          if (error !== null) reject(error)
          else if (typeof answer === 'string' && answer !== '') reject(new SyntaxError('the answer is not JSON'))
          else resolve({answer, status: response?.statusCode})
        })
      })
    }
    const told = {method, path: `/projects/${project}${path}`, body}
    return toldRequest(told, async () => answered(waiting, ask))
  }

  /** Sends a load job with its data in one request. */
  async upload({job, files, what}: Upload): Promise<unknown> {
    assertWritable(this.#options, this.#writable, {method: 'POST', path: '/jobs', body: job})
    const {credentials} = this.#clients
    // What lies between may have taken all of it and still be passing it on.
    const waiting = {what, idleTimeout: 2 * this.#idleTimeout, through: this.#through}
    const send = async (ended: AbortSignal, stillGoing: () => void): Promise<Answered<unknown>> => {
      await authorizationOf(credentials)
      const url = new URL(
        `/upload/bigquery/v2/projects/${encodeURIComponent(this.#billingProject)}/jobs`,
        this.#endpoint,
      )
      url.searchParams.set('uploadType', 'multipart')
      const {data, status} = await credentials.request<string>({
        method: 'POST',
        url,
        signal: ended,
        responseType: 'text',
        redirect: 'error',
        retry: false,
        ...(this.#options.apiEndpoint !== undefined && {noProxy: [url]}),
        ...(await uploadOf(job, files, stillGoing)),
      })
      return {answer: JSON.parse(data) as unknown, status}
    }
    const told = {method: 'POST', path: `/projects/${this.#billingProject}/jobs`, body: job} as const
    return toldRequest(told, async () => answered(waiting, send))
  }
}

interface Waiting extends Pick<ServiceRequest, 'what' | 'signal'> {
  readonly asksOnly?: boolean | undefined
  readonly idleTimeout: number
  readonly through: string
}

/**
 * Ends the wait for what nobody answers and nothing more is taken of. Google's client cannot be told to give a request
 * up: it is left alone with it until the connection ends.
 */
async function answered<Answer>(
  {what, signal, asksOnly = false, idleTimeout, through}: Waiting,
  ask: (ended: AbortSignal, stillGoing: () => void) => Promise<Answer>,
): Promise<Answer> {
  const idle = new AbortController()
  const timer = setTimeout(() => idle.abort(), idleTimeout)
  const ended = signal === undefined ? idle.signal : AbortSignal.any([signal, idle.signal])
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
    throw idle.signal.aborted
      ? new ServiceError({what, reason: `no answer in time${through}`, ambiguous: true})
      : requestError(what, error, {through, asksOnly})
  } finally {
    clearTimeout(timer)
  }
}
