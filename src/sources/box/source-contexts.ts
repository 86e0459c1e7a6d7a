import {AsyncLocalStorage} from 'node:async_hooks'
import {resolve} from 'node:path'

import {sourceBug} from '../../base/errors.ts'
import {parseExactly} from '../../base/exact-json.ts'
import {createMask, type Mask} from '../../base/mask.ts'
import type {ExploreContext, HttpClient, LogFields, Logger, Progress, SecretChange, SecretStore} from '../../source.ts'
import {AccountTraffic} from '../http/account-traffic.ts'
import {createHttpClient, type CredentialsOrigin} from '../http/http-client.ts'
import type {Channel} from './channel.ts'
import {fromHost, type ErrorMessage} from './error-message.ts'
import type {KeyedPages} from './keyed-pages.ts'
import {lateReport} from './late-report.ts'
import type {ListedKeys} from './listed-keys.ts'
import type {ContextMessage} from './messages.ts'

export interface OpenContext {
  readonly abort: AbortController
  /** What the source did wrong; all that it reports afterwards throws it. */
  failed: Error | undefined
  pages?: KeyedPages
  keys?: ListedKeys
  /** The page that is made while the host still works on the one before. */
  ahead?: ReturnType<KeyedPages['next']> | undefined
}

/** Makes what a source is given: what it may touch of the host is asked for across the wall. */
export class SourceContexts {
  readonly traffic = new AccountTraffic()
  /** The folder where relative paths of options start. */
  folder = ''
  readonly #channel: Channel
  readonly #mask: Mask
  readonly #open = new Map<number, OpenContext>()
  readonly #changes = new Map<number, (current: string | undefined) => Promise<string | undefined>>()
  /** Runs, by the number of their options, each send credentials to one origin. */
  readonly #credentialsFor = new Map<number, CredentialsOrigin>()
  #lastChange = 0

  /** The store of the account. A source may keep it, as it keeps a token, from one slice to the next. */
  readonly #secrets: SecretStore = {
    get: async (name) => (await this.#channel.call('secretGet', name)) as string | undefined,
    update: async <Value extends string | undefined>(name: string, change: SecretChange<Value>) => {
      if (updating.getStore() === true)
        throw sourceBug('a secret was updated from within the update of another, which would wait for ever')
      const number = (this.#lastChange += 1)
      this.#changes.set(number, async (current) => updating.run(true, async () => change(current)))
      try {
        return ((await this.#channel.call('secretUpdate', name, number)) ?? undefined) as Value
      } finally {
        this.#changes.delete(number)
      }
    },
  }

  constructor(channel: Channel) {
    this.#channel = channel
    const mask = createMask()
    this.#mask = {
      ...mask,
      add: (secret) => {
        mask.add(secret)
        channel.tell('mask', secret)
      },
    }
  }

  get(id: number): OpenContext | undefined {
    return this.#open.get(id)
  }

  /** Hears what the host tells of a context. */
  hear(method: string, id: number, message: ErrorMessage | undefined): void {
    const open = this.#open.get(id)
    if (open === undefined) return
    if (method === 'abort' && message !== undefined) open.abort.abort(fromHost(message))
    else if (method === 'failed' && message !== undefined) open.failed ??= fromHost(message)
    else if (method === 'end') this.#open.delete(id)
  }

  /** Has the source change a secret, while the host keeps all others from it. */
  async change(change: number, current: string | undefined): Promise<{readonly text?: string; readonly same?: true}> {
    const changed: unknown = await this.#changes.get(change)?.(current)
    if (changed === undefined) return {same: true}
    // The host says what is wrong with anything else.
    return typeof changed === 'string' ? {text: changed} : {}
  }

  create(message: ContextMessage, options: unknown): ExploreContext<unknown> {
    const {context: id, streams, since, until, start, bookmark, keys, address} = message
    const open: OpenContext = {abort: new AbortController(), failed: undefined}
    this.#open.set(id, open)
    const {signal} = open.abort
    const log = this.#log(id)
    const ask = async (method: 'known' | 'stored', idemKeys: readonly string[]): Promise<ReadonlySet<string>> => {
      this.#assertOpen(id, open)
      return new Set((await this.#channel.call(method, id, idemKeys)) as readonly string[])
    }
    return {
      options,
      streams,
      window: {...(since !== undefined && {since: new Date(since)}), until: new Date(until)},
      ...(start !== undefined && {start: new Date(start)}),
      ...(bookmark !== undefined && {bookmark}),
      ...(keys !== undefined && {keys}),
      ...(address !== undefined && {address}),
      http: this.#http(message, signal, log),
      secrets: this.#secrets,
      log,
      signal,
      resolvePath: (path) => resolve(this.folder, path),
      parseJson: parseExactly,
      known: async (idemKeys) => ask('known', idemKeys),
      stored: async (idemKeys) => ask('stored', idemKeys),
      progress: (update) => {
        this.#assertOpen(id, open)
        this.#channel.tell('progress', id, progressMessage(update))
      },
      reject: (reference: unknown, reason: unknown, objectType) => {
        this.#assertOpen(id, open)
        this.#channel.tell('reject', id, String(reference), String(reason), objectType ?? null)
      },
    }
  }

  #assertOpen(id: number, open: OpenContext): void {
    if (open.failed !== undefined) throw open.failed
    if (this.#open.get(id) === open) return
    this.#channel.tell('late')
    throw lateReport()
  }

  #http({context: id, options, requestTime}: ContextMessage, signal: AbortSignal, log: Logger): HttpClient {
    const credentialsFor = this.#credentialsFor.get(options) ?? {}
    this.#credentialsFor.set(options, credentialsFor)
    return createHttpClient({
      credentialsFor,
      ...(requestTime !== undefined && {budgetMs: requestTime}),
      signal,
      log,
      mask: this.#mask,
      traffic: this.traffic,
      observe: ({units, waitingUntil}) =>
        this.#channel.tell('observe', id, {
          ...(units !== undefined && {units}),
          ...(waitingUntil !== undefined && {waitingUntil: waitingUntil.toISOString()}),
        }),
      answered: (headers) => {
        const serverTime = new Date(Date.parse(headers.get('date') ?? '') + 1000 * Number(headers.get('age') ?? 0))
        if (!Number.isNaN(serverTime.getTime())) this.#channel.tell('observe', id, {serverTime})
      },
    })
  }

  #log(id: number): Logger {
    const at = (level: string) => (message: unknown, fields?: LogFields) =>
      this.#channel.tell('log', id, level, String(message), fields ?? null)
    return {debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error')}
  }
}

const updating = new AsyncLocalStorage<true>()

function progressMessage({waitingUntil, ...counts}: Progress): object {
  return {...counts, ...(waitingUntil !== undefined && {waitingUntil: waitingUntil.toISOString()})}
}
