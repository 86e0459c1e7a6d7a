import {setMaxListeners} from 'node:events'

import {AccountTraffic, backoff} from './account-traffic.ts'
import {addressOf} from './address.ts'
import type {Failure} from './answer.ts'
import {attempt} from './attempt.ts'
import {HttpError} from './http-error.ts'
import type {Mask} from '../../base/log.ts'
import type {HttpClient, HttpRequest, HttpResponse, Logger} from '../../source.ts'

export interface HttpClientOptions {
  readonly signal: AbortSignal
  readonly log: Logger
  /** Learns the tokens that are sent, and is applied to all that is logged or thrown. */
  readonly mask?: Mask
  /** Shared by all clients of one account. */
  readonly traffic?: AccountTraffic
  readonly observe?: (update: HttpProgress) => void
  /** Given the headers of every answer. */
  readonly answered?: (headers: Headers) => void
  /** How long one request may take, with all of its tries and waits, but for those of the rate limit. */
  readonly budgetMs?: number
  /** For a failure that is not a quota's: a quota is waited for as long as the budget allows. */
  readonly maxTries?: number
  /** The longest first wait; it doubles with each try. */
  readonly backoffMs?: number
}

export interface HttpProgress {
  /** Of the rate limit, used by one try. */
  readonly units?: number
  /** The service asked for a pause. */
  readonly waitingUntil?: Date
}

const MAX_ODD_ANSWERS = 3

/** What must not be printed of a form that asks for a token (RFC 6749, 7523, 7636, 8628). */
const SECRET_FIELDS = new Set(
  'client_secret refresh_token code code_verifier device_code assertion client_assertion password'.split(' '),
)

/** One client per run. What its requests authorize themselves with goes to one origin, that of the first of them. */
export function createHttpClient(options: HttpClientOptions): HttpClient {
  const {signal: runSignal, log, mask, traffic = new AccountTraffic(), observe, answered} = options
  const {budgetMs = 600_000, maxTries = 8, backoffMs = 1000} = options
  const {clock} = traffic
  const masked = (text: string): string => mask?.apply(text) ?? text
  const stop = AbortSignal.any([runSignal])
  // Many requests listen at once, and stop listening when they are done.
  setMaxListeners(0, stop)
  let authorizedOrigin: string | undefined
  let announcedPause = -Infinity

  function assertMayAuthorize(name: string, {origin}: URL, {authorization, headers = {}}: HttpRequest): void {
    if (Object.keys(headers).some((header) => /^(authorization|cookie)$/i.test(header)))
      throw new HttpError(`${name}: credentials must be given as authorization, not among the headers`)
    if (authorization === undefined) return
    authorizedOrigin ??= origin
    if (origin !== authorizedOrigin)
      throw new HttpError(`${name}: refused, because the credentials of this run are for ${authorizedOrigin} alone`)
  }

  async function pauseOver(failure: Failure, deadline: number, signal: AbortSignal, tooLong: TooLong): Promise<void> {
    for (let until = traffic.pausedUntil; until !== undefined; until = traffic.pausedUntil) {
      if (until > deadline) throw tooLong(failure, until)
      if (until > announcedPause) observe?.({waitingUntil: new Date(until)})
      announcedPause = Math.max(announcedPause, until)
      await clock.wait(until - clock.now(), signal)
    }
  }

  async function perform(request: HttpRequest): Promise<HttpResponse> {
    const {units = 1, form, json, authorization: authorize, atOnceHeader} = request
    const method = request.method ?? (form === undefined && json === undefined ? 'GET' : 'POST')
    const url = addressOf(request)
    for (const [field, value] of Object.entries(request.form ?? {})) if (SECRET_FIELDS.has(field)) mask?.add(value)
    const name = `${method} ${url.origin}${url.pathname}`
    assertMayAuthorize(name, url, request)
    let deadline = clock.now() + budgetMs
    const signal = request.signal === undefined ? stop : eitherOf(stop, request.signal)
    const errorOf = (failure: Failure, note = ''): HttpError =>
      new HttpError(masked(`${name}: ${failure.problem}${note}`), failure)
    const tooLong: TooLong = (failure, until) =>
      errorOf(
        failure,
        `; gave up, because the next try is at ${new Date(until).toISOString()} and a request may take ${budgetMs / 1000} s in all`,
      )
    let failure: Failure = {problem: 'the service asked for a pause', retry: true}
    let refused = false
    let renewed = false
    let failures = 0
    for (;;) {
      signal.throwIfAborted()
      const ration = traffic.reserve(units)
      if (ration > 0) await clock.wait(ration, signal)
      deadline += ration
      await pauseOver(failure, deadline, signal, tooLong)
      const authorization = await authorize?.({refused})
      refused = false
      if (authorization !== undefined) mask?.add(authorization.replace(/^\w+ /, ''))
      const arrive = await traffic.depart(signal)
      const sentAt = clock.now()
      try {
        observe?.({units})
        const outcome = await attempt({url, method, request, authorization, signal, timeLeft: deadline - sentAt})
        if (outcome.headers !== undefined) answered?.(outcome.headers)
        if (atOnceHeader !== undefined) traffic.wantsAtOnce(outcome.headers?.get(atOnceHeader))
        if (!('problem' in outcome)) {
          traffic.succeeded(sentAt)
          return outcome
        }
        failure = outcome
        if (failure.tooManyAtOnce === true) traffic.tooManyAtOnce(sentAt)
      } finally {
        arrive()
      }
      if (failure.status === 401 && authorization !== undefined && !renewed) {
        refused = renewed = true
        continue
      }
      if (!failure.retry) throw errorOf(failure)
      failures += 1
      const enough = failure.oddAnswer === true ? MAX_ODD_ANSWERS : maxTries
      if (failure.pausesAll !== true && failures >= enough) throw errorOf(failure, `; gave up after ${failures} tries`)
      if (failure.pausesAll === true) {
        const first = traffic.pausedUntil === undefined
        const until = traffic.pause(sentAt, failure.after, backoffMs)
        if (until > deadline) throw tooLong(failure, until)
        const fields = {until: new Date(until).toISOString(), tries: failures}
        if (first) log.warn(masked(`${name}: ${failure.problem}; all requests wait`), fields)
      } else {
        const until = clock.now() + backoff(backoffMs, failures)
        if (until > deadline) throw tooLong(failure, until)
        const fields = {until: new Date(until).toISOString(), tries: failures}
        log.info(masked(`${name}: ${failure.problem}; trying again`), fields)
        await clock.wait(until - clock.now(), signal)
      }
    }
  }

  return {request: perform}
}

const combined = new WeakMap<AbortSignal, WeakMap<AbortSignal, AbortSignal>>()

/** One for all requests that share a signal: making one costs as much as parsing an answer. */
function eitherOf(one: AbortSignal, other: AbortSignal): AbortSignal {
  const ofOne = combined.get(one) ?? new WeakMap<AbortSignal, AbortSignal>()
  combined.set(one, ofOne)
  const found = ofOne.get(other) ?? AbortSignal.any([one, other])
  if (!ofOne.has(other)) setMaxListeners(0, found)
  ofOne.set(other, found)
  return found
}

type TooLong = (failure: Failure, until: number) => HttpError
