import type {HttpRequest, HttpResponse, SourceContext} from 'lorchestra'

import {credentialsFor} from './auth/signed.ts'
import {isHttpError} from './http-error.ts'
import type {Options} from './options/shape.ts'
import type {Parameter} from './options/stream.ts'
import {RateLimitHeaders} from './rate-limit-headers.ts'
import {settingsOf, type Settings} from './settings.ts'
import {filled} from './template.ts'

export interface ServiceRequest extends Pick<HttpRequest, 'method' | 'json' | 'listInParts'> {
  readonly url: URL
  readonly params: Readonly<Record<string, Parameter>>
  /** Statuses that mean that nothing is there. */
  readonly empty: readonly number[]
  /** Nothing that the account says goes along: the address is not of its service. */
  readonly foreign?: boolean
}

/** The service that a job reads, with its credentials: nothing is sent to another host. */
export class Service {
  readonly settings: Settings
  readonly #context: SourceContext<Options>
  readonly #rateLimit: RateLimitHeaders | undefined

  constructor(context: SourceContext<Options>) {
    this.#context = context
    this.settings = settingsOf(context.options)
    const {rateLimit} = this.settings
    this.#rateLimit = rateLimit && new RateLimitHeaders(rateLimit, context)
  }

  /** Makes an address of a path below `base_url`, or of one that an answer names. */
  addressOf(path: string, answered?: URL): URL {
    const {base} = this.settings
    const root = base.href.replace(/[?#].*$/, '').replace(/\/*$/, '/')
    const start = answered?.href ?? root
    // A colon in the first segment must not make a scheme of it.
    const address = answered === undefined && !/^https?:/i.test(path) ? `./${path.replace(/^\/+/, '')}` : path
    if (!URL.canParse(address, start)) throw new Error('it names an address that is none; it was not followed')
    const url = new URL(address, start)
    // Behind a proxy, services take themselves for http.
    if (url.host === base.host && url.protocol === 'http:') url.protocol = base.protocol
    if (url.origin === base.origin) return url
    throw new Error(`the service names an address at ${url.origin}, which is not ${base.origin}; it was not followed`)
  }

  /** Resolves with `undefined` where nothing is there. */
  async ask({
    url,
    params,
    empty,
    method,
    json,
    listInParts,
    foreign = false,
  }: ServiceRequest): Promise<HttpResponse | undefined> {
    const {auth, headers, values} = foreign ? STRANGER : this.settings
    const signed = credentialsFor(this.#context, auth)
    const lookup = (name: string): string | number | undefined => values[name]
    const written = Object.entries(headers).map(([name, value]) => [name, filled(value, lookup)] as const)
    const request: HttpRequest = {
      url: withParameters(url, {...params, ...signed.query}),
      headers: {...Object.fromEntries(written), ...signed.headers},
      ...(method !== undefined && {method}),
      ...(json !== undefined && {json, repeatable: true}),
      ...(listInParts !== undefined && {listInParts}),
      ...(signed.authorization !== undefined && {authorization: signed.authorization}),
      allow: empty.filter((status) => status >= 400),
    }
    try {
      const answer = await (this.#rateLimit === undefined
        ? this.#context.http.request(request)
        : this.#rateLimit.request(request))
      return empty.includes(answer.status) ? undefined : answer
    } catch (error) {
      // An answer without a body is none that the host hands on.
      if (isHttpError(error) && error.status !== undefined && empty.includes(error.status)) return undefined
      throw error
    }
  }
}

/** What another service is told. */
const STRANGER: Pick<Settings, 'auth' | 'headers' | 'values'> = {auth: {type: 'none'}, headers: {}, values: {}}

/** What the address says already is replaced, a space is %20: not every service takes a plus for one. */
function withParameters(address: URL, params: Readonly<Record<string, Parameter>>): URL {
  const url = new URL(address)
  const names = Object.keys(params)
  if (names.length === 0) return url
  const kept = url.search
    .slice(1)
    .split('&')
    .filter((pair) => pair !== '' && !names.includes(decoded(pair.split('=')[0] ?? '')))
  const added = Object.entries(params).flatMap(([name, value]) =>
    [value].flat().map((one) => `${encodeURIComponent(name)}=${encodeURIComponent(String(one))}`),
  )
  url.search = [...kept, ...added].join('&')
  return url
}

function decoded(name: string): string {
  try {
    return decodeURIComponent(name.replaceAll('+', ' '))
  } catch {
    // What cannot be decoded is none of ours.
    return name
  }
}
