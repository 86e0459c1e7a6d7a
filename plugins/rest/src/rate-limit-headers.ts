import {setTimeout as wait} from 'node:timers/promises'

import type {HttpRequest, HttpResponse, SourceContext} from 'lorchestra'

const SECOND = 1000
/** So many seconds are no time to wait, but a time since 1970. */
const LONGEST_SECONDS = 10_000_000
const LONGEST_WAIT = 2 * 3_600_000
/** One that is refused again after so many waits is not refused for its rate. */
const MOST_WAITS = 5

type Context = Pick<SourceContext<unknown>, 'http' | 'signal' | 'progress' | 'streams' | 'log'>

/** Heeds headers that say how many requests are left, and when there are more: pauses before one would be refused. */
export class RateLimitHeaders {
  readonly #names: {readonly remaining: string; readonly reset: string}
  readonly #context: Context
  #pausedUntil = 0

  constructor(names: {readonly remaining: string; readonly reset: string}, context: Context) {
    this.#names = names
    this.#context = context
  }

  async request(request: HttpRequest): Promise<HttpResponse> {
    for (let waits = 1; ; waits += 1) {
      await this.#pause()
      let refusedUntil: number | undefined
      try {
        const answer = await this.#context.http.request({
          ...request,
          retryable: ({status, headers}) => {
            if (status === 403 || status === 429) refusedUntil = this.#resetIn(headers)
            return refusedUntil === undefined ? undefined : false
          },
        })
        this.#pausedUntil = this.#resetIn(answer.headers) ?? 0
        return answer
      } catch (error) {
        if (refusedUntil === undefined || waits > MOST_WAITS) throw error
        this.#pausedUntil = refusedUntil
      }
    }
  }

  /** Gives when there are more, where none is left. */
  #resetIn(headers: Headers): number | undefined {
    const remaining = headers.get(this.#names.remaining)
    const reset = Number(headers.get(this.#names.reset) ?? Number.NaN)
    if (remaining === null || Number(remaining) > 0 || !(reset > 0)) return undefined
    const serverNow = Date.parse(headers.get('date') ?? '')
    const now = Date.now()
    const left = reset > LONGEST_SECONDS ? reset * SECOND - (Number.isNaN(serverNow) ? now : serverNow) : reset * SECOND
    // A second more, since the header has whole ones.
    return now + Math.min(Math.max(left, 0) + SECOND, LONGEST_WAIT)
  }

  async #pause(): Promise<void> {
    const {signal, progress, streams, log} = this.#context
    const left = this.#pausedUntil - Date.now()
    if (left <= 0) return
    const until = new Date(this.#pausedUntil)
    const [stream] = streams
    progress({waitingUntil: until, ...(stream !== undefined && {objectType: stream.objectType})})
    log.info('the service takes no more requests for a while', {until: until.toISOString()})
    await wait(left, undefined, {signal})
  }
}
