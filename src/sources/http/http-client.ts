import {setMaxListeners} from 'node:events'

import {AccountTraffic} from './account-traffic.ts'
import {addressOf} from './address.ts'
import type {Failure} from './answer.ts'
import {attempt} from './attempt.ts'
import {HttpError} from './http-error.ts'
import {jittered, retryAfter, type RetryLimits} from './retry-policy.ts'
import type {Mask} from '../../base/mask.ts'
import type {HttpClient, HttpRequest, HttpResponse, Logger} from '../../source.ts'

export interface HttpClientOptions {
  readonly signal: AbortSignal
  readonly log: Logger
  /** The mask learns the tokens that are sent, and hides them in all that is logged or thrown. */
  readonly mask?: Mask
  /** The traffic that all clients of one account share. */
  readonly traffic?: AccountTraffic
  readonly observe?: (update: HttpProgress) => void
  /** The origin that credentials may go to, where clients of one run share it. */
  readonly credentialsFor?: CredentialsOrigin
  /** Called with the headers of every answer. */
  readonly answered?: (headers: Headers) => void
  /**
   * Milliseconds that one request may take, with all of its tries and waits, but for those of the rate limit.
   * @default 600_000
   */
  readonly budgetMs?: number
  /**
   * Tries that may fail, but for those that a quota refuses: it is waited for as long as the budget allows.
   * @default 8
   */
  readonly maxTries?: number
  /**
   * Milliseconds of the longest first wait; it doubles with each try.
   * @default 1000
   */
  readonly backoffMs?: number
}

export interface HttpProgress {
  /** Units of the rate limit that one try used. */
  readonly units?: number
  /** The end of a pause that the service asked for. */
  readonly waitingUntil?: Date
}

/** Set by the first request with credentials; all others go there, too. */
export interface CredentialsOrigin {
  origin?: string
}

/** A request that goes on failing for longer than this is worth a warning; milliseconds. */
const UNREMARKABLE = 3000
const WARNING_INTERVAL = 20_000

/** These fields of a form that asks for a token must not be printed (RFC 6749, 7523, 7636, 8628). */
const SECRET_FIELDS = new Set(
  'client_secret refresh_token code code_verifier device_code assertion client_assertion password'.split(' '),
)

/** Makes the client of one run. What its requests authorize themselves with goes to one origin, that of the first of them. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const client = new RetryingClient(options)
  return {request: async (request) => client.request(request)}
}

/** A request on its way to an answer, over all of its tries. */
interface Pending {
  readonly request: HttpRequest
  readonly method: string
  readonly url: URL
  /** The name that errors and the log give it. */
  readonly name: string
  readonly signal: AbortSignal
  readonly begunAt: number
  deadline: number
}

class RetryingClient implements HttpClient {
  readonly #options: HttpClientOptions
  readonly #traffic: AccountTraffic
  readonly #stop: AbortSignal
  readonly #budgetMs: number
  readonly #limits: RetryLimits
  readonly #credentialsFor: CredentialsOrigin
  #announcedPause = -Infinity
  #warnedAt = -Infinity

  constructor(options: HttpClientOptions) {
    this.#options = options
    this.#traffic = options.traffic ?? new AccountTraffic()
    this.#credentialsFor = options.credentialsFor ?? {}
    this.#budgetMs = options.budgetMs ?? 600_000
    this.#limits = {maxTries: options.maxTries ?? 8, firstBackoff: options.backoffMs ?? 1000}
    this.#stop = AbortSignal.any([options.signal])
    // Many requests listen at once, and stop listening when they are done.
    setMaxListeners(0, this.#stop)
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    const pending = this.#begin(request)
    let failure: Failure = {problem: 'the service asked for a pause', retry: true}
    let [failures, refused, renewed] = [0, false, false]
    for (;;) {
      await this.#untilAllowed(pending, failure)
      const authorization = await this.#authorize(pending, refused)
      const {outcome, sentAt} = await this.#try(pending, authorization)
      if (!('problem' in outcome)) return outcome
      failure = outcome
      const retry = retryAfter(failure, {failures, authorized: authorization !== undefined, renewed}, this.#limits)
      if (retry.action === 'give up') throw this.#errorOf(pending, failure, retry.note)
      refused = retry.action === 'renew authorization'
      renewed ||= refused
      if (!refused) failures += 1
      if (retry.action === 'pause account') this.#pauseAccount(pending, failure, sentAt, failures)
      if (retry.action === 'wait') await this.#wait(pending, failure, jittered(retry.atMost), failures)
    }
  }

  #begin(request: HttpRequest): Pending {
    const {form, json, signal} = request
    const method = request.method ?? (form === undefined && json === undefined ? 'GET' : 'POST')
    const url = addressOf(request)
    for (const [field, value] of Object.entries(form ?? {})) if (SECRET_FIELDS.has(field)) this.#hide(value)
    const name = `${method} ${url.origin}${url.pathname}`
    this.#assertMayAuthorize(name, url, request)
    return {
      request,
      method,
      url,
      name,
      signal: signal === undefined ? this.#stop : eitherOf(this.#stop, signal),
      begunAt: this.#traffic.clock.now(),
      deadline: this.#traffic.clock.now() + this.#budgetMs,
    }
  }

  #assertMayAuthorize(name: string, {origin}: URL, {authorization, headers = {}}: HttpRequest): void {
    if (Object.keys(headers).some((header) => /^(authorization|cookie)$/i.test(header)))
      throw new HttpError(`${name}: credentials must be given as authorization, not among the headers`)
    if (authorization === undefined) return
    const only = (this.#credentialsFor.origin ??= origin)
    if (origin !== only)
      throw new HttpError(`${name}: refused, because the credentials of this run are for ${only} alone`)
  }

  /** Waits for the rate limit, which does not count against the request's time, and over pauses of the account. */
  async #untilAllowed(pending: Pending, failure: Failure): Promise<void> {
    const {request, signal} = pending
    const {clock} = this.#traffic
    signal.throwIfAborted()
    const ration = this.#traffic.reserve(request.units ?? 1)
    if (ration > 0) await clock.wait(ration, signal)
    pending.deadline += ration
    for (let until = this.#traffic.pausedUntil; until !== undefined; until = this.#traffic.pausedUntil) {
      this.#assertInTime(pending, failure, until)
      if (until > this.#announcedPause) this.#options.observe?.({waitingUntil: new Date(until)})
      this.#announcedPause = Math.max(this.#announcedPause, until)
      await clock.wait(until - clock.now(), signal)
    }
  }

  async #authorize({request}: Pending, refused: boolean): Promise<string | undefined> {
    const authorization = await request.authorization?.({refused})
    if (authorization !== undefined) this.#hide(authorization.replace(/^\w+ /, ''))
    return authorization
  }

  async #try(
    {url, method, name, request, signal, deadline}: Pending,
    authorization: string | undefined,
  ): Promise<{outcome: HttpResponse | Failure; sentAt: number}> {
    const traffic = this.#traffic
    const {units = 1, concurrencyHeader} = request
    const arrive = await traffic.depart(signal)
    const sentAt = traffic.clock.now()
    try {
      this.#options.observe?.({units})
      const outcome = await attempt({url, method, request, authorization, signal, timeLeft: deadline - sentAt})
      this.#tell(name, outcome, traffic.clock.now() - sentAt)
      if (outcome.headers !== undefined) this.#options.answered?.(outcome.headers)
      if (concurrencyHeader !== undefined) traffic.recommendConcurrency(outcome.headers?.get(concurrencyHeader))
      if (!('problem' in outcome)) traffic.succeeded(sentAt)
      else if (outcome.tooManyConcurrent === true) traffic.tooManyConcurrent(sentAt)
      return {outcome, sentAt}
    } finally {
      arrive()
    }
  }

  /** Names no query and no header: secrets may be in both. */
  #tell(name: string, outcome: HttpResponse | Failure, milliseconds: number): void {
    this.#options.log.debug(this.#masked(name), {
      status: outcome.status,
      ...('problem' in outcome && {problem: this.#masked(outcome.problem)}),
      milliseconds: Math.round(milliseconds),
    })
  }

  #pauseAccount(pending: Pending, failure: Failure, sentAt: number, tries: number): void {
    const isFirst = this.#traffic.pausedUntil === undefined
    const until = this.#traffic.pause(sentAt, failure.after, this.#limits.firstBackoff)
    this.#assertInTime(pending, failure, until)
    if (!isFirst) return
    const message = this.#masked(`${pending.name}: ${failure.problem}; all requests wait`)
    this.#options.log.warn(message, {until: new Date(until).toISOString(), tries})
  }

  async #wait(pending: Pending, failure: Failure, milliseconds: number, tries: number): Promise<void> {
    const {clock} = this.#traffic
    const until = clock.now() + milliseconds
    this.#assertInTime(pending, failure, until)
    const message = this.#masked(`${pending.name}: ${failure.problem}; trying again`)
    this.#options.log[this.#levelOf(pending)](message, {until: new Date(until).toISOString(), tries})
    await clock.wait(until - clock.now(), pending.signal)
  }

  /** Warns of a wait that a person would wonder about, though not of each: many requests may wait for the same thing. */
  #levelOf({begunAt}: Pending): 'info' | 'warn' {
    const now = this.#traffic.clock.now()
    if (now - begunAt < UNREMARKABLE || now - this.#warnedAt < WARNING_INTERVAL) return 'info'
    this.#warnedAt = now
    return 'warn'
  }

  #assertInTime(pending: Pending, failure: Failure, until: number): void {
    if (until <= pending.deadline) return
    throw this.#errorOf(
      pending,
      failure,
      `; gave up, because the next try is at ${new Date(until).toISOString()} and a request may take ${this.#budgetMs / 1000} s in all`,
    )
  }

  #errorOf({name}: Pending, failure: Failure, note: string): HttpError {
    return new HttpError(this.#masked(`${name}: ${failure.problem}${note}`), failure)
  }

  #hide(secret: string): void {
    this.#options.mask?.add(secret)
  }

  #masked(text: string): string {
    return this.#options.mask?.apply(text) ?? text
  }
}

const combined = new WeakMap<AbortSignal, WeakMap<AbortSignal, AbortSignal>>()

/** All requests that share a signal get the same one: making one costs as much as parsing an answer. */
function eitherOf(one: AbortSignal, other: AbortSignal): AbortSignal {
  const ofOne = combined.get(one) ?? new WeakMap<AbortSignal, AbortSignal>()
  combined.set(one, ofOne)
  const found = ofOne.get(other) ?? AbortSignal.any([one, other])
  if (!ofOne.has(other)) setMaxListeners(0, found)
  ofOne.set(other, found)
  return found
}
