/** What sources ask services with: a part of the contract, which `source.ts` hands on. */

export type JsonValue = null | boolean | number | string | readonly JsonValue[] | JsonObject
export interface JsonObject {
  readonly [name: string]: JsonValue | undefined
}

/**
 * The client asks JSON APIs for sources: timeouts, retries with backoff, `Retry-After`, the rate limit, size caps and
 * redaction are the host's. Refuses `http:` other than to loopback, and redirects. Where a service asks for a pause, all
 * requests of the account wait, also those of other jobs in the process. All requests with `authorization` go to one
 * origin, that of the first: an address that an answer names cannot lead a token elsewhere.
 */
export interface HttpClient {
  /**
   * Resolves with a 2xx answer, or one that `allow` names, whose body is a JSON object. Rejects with an `HttpError`
   * after the last try, for an answer that is not worth another try, and for one that stays no JSON object (an HTML
   * page with status 200, say). Rejects with the signal's reason when the run is aborted.
   * Tried again is what is `repeatable`: after 408, 429, 500, 502, 503, 504, timeouts, lost connections and
   * bodies that break off, up to eight times with full jitter; after a quota's refusal (429, a 403 that `retryable`
   * calls passing, any answer that says when to come back) for as long as ten minutes allow.
   */
  request(request: HttpRequest): Promise<HttpResponse>
}

export interface HttpRequest {
  /** Address with https, or with http on this machine itself. */
  readonly url: string | URL
  /** @default 'GET', or 'POST' where `form` or `json` is given */
  readonly method?: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  /** Parameters that are added to the address; a list becomes a repeated parameter, `undefined` is left out. */
  readonly query?: Readonly<Record<string, string | number | boolean | readonly string[] | undefined>>
  readonly headers?: Readonly<Record<string, string>>
  /** Fields that are sent as `application/x-www-form-urlencoded`. */
  readonly form?: Readonly<Record<string, string>>
  /** Value that is sent as `application/json`. */
  readonly json?: JsonValue
  /** Whether it may be sent again, as a search by POST may. @default true for GET, PUT, DELETE and `form` */
  readonly repeatable?: boolean
  /** Gives the Authorization header, for every try; after a 401 once more with `refused: true`: get a new token then. */
  readonly authorization?: (state: {readonly refused: boolean}) => Promise<string>
  /** Error statuses that the caller makes sense of itself (404, say): returned, not thrown, not retried. */
  readonly allow?: readonly number[]
  /** Tells whether an error answer is worth another try, where status alone does not. `undefined`: the host decides. */
  readonly retryable?: (answer: HttpResponse) => boolean | undefined
  /** Units of the source's `rateLimit` that each try costs. @default 1 */
  readonly units?: number
  /** Name of the answer header with how many requests the service wants at once: no more of the account's are then on the way. */
  readonly concurrencyHeader?: string
  /** Signal that ends this request alone: its tries and its waits. The run's own signal ends it in any case. */
  readonly signal?: AbortSignal
  /** Milliseconds that the server may be silent: until its answer begins, and in between. @default 60_000 */
  readonly timeout?: number
  /** Bytes of the largest body that is accepted. @default 67_108_864, 64 MiB */
  readonly maxBytes?: number
  /** Name of the member whose list comes as `parts` and is empty in `body`: no large page is held whole. '' where the answer is a list. */
  readonly listInParts?: string
}

export interface HttpResponse {
  readonly status: number
  readonly headers: Headers
  readonly body: JsonObject
  /** Elements of the list that `listInParts` names, once, if there is one; frozen, and stored as they were written, digit by digit. */
  readonly parts?: Iterable<readonly JsonValue[]>
}

/** `HttpClient.request` rejects with this error. It carries nothing that was sent, and of the answer only what is safe to print. */
export interface HttpError extends Error {
  readonly name: 'HttpError'
  /** Status of the last answer; missing where none arrived. */
  readonly status?: number
  /** Body of the error answer, where it was a JSON object. Not printed by the host. */
  readonly body?: JsonObject
  /** Whether the answer was longer than `maxBytes`. */
  readonly tooLarge?: true
  /** Whether the answer was a JSON list where `listInParts` did not ask for one: `''` does. */
  readonly isList?: true
}
