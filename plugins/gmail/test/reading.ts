import type {HttpClient, JsonObject, SecretStore, SliceWindow, SourceContext} from 'lorchestra'

import {parseExactly} from '../../../src/base/exact-json.ts'
import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import type {GmailServer} from '../../../test/support/gmail-server.ts'
import {options as schema, type Options} from '../src/options.ts'
import source from '../src/source.ts'

export interface Reading {
  readonly context: SourceContext<Options>
  /** Sizes of the pages that came. */
  readonly pages: number[]
  readonly records: JsonObject[]
  readonly counts: {listed: number; known: number; outside: number; gone: number}
  readonly rejected: string[]
  /** Takes all pages. */
  all(more?: Partial<Pick<SourceContext<Options>, 'bookmark' | 'window'>>): Promise<readonly JsonObject[]>
}

export interface ReadingOptions {
  readonly options?: Partial<Options>
  readonly window?: Partial<SliceWindow>
  readonly secrets?: SecretStore
  readonly signal?: AbortSignal
  readonly known?: (keys: readonly string[]) => Promise<Iterable<string>>
  readonly http?: HttpClient
}

const silent = (): void => undefined
const log = {debug: silent, info: silent, warn: silent, error: silent}

/** What the host does with one slice of the source. */
export function reading(server: GmailServer, settings: ReadingOptions = {}): Reading {
  const {signal = new AbortController().signal, secrets = secretsInMemory()} = settings
  const counts = {listed: 0, known: 0, outside: 0, gone: 0}
  const rejected: string[] = []
  const pages: number[] = []
  const records: JsonObject[] = []
  const context: SourceContext<Options> = {
    options: schema.parse({
      client_id: server.clientId,
      client_secret: server.clientSecret,
      refresh_token: server.refreshToken,
      api_url: server.apiUrl,
      token_url: server.tokenUrl,
      ...settings.options,
    }),
    streams: [{sourceSystem: 'gmail--acct1', objectType: 'email'}],
    window: {until: new Date(), ...settings.window},
    http: settings.http ?? createHttpClient({signal, log, backoffMs: 0}),
    secrets,
    log,
    signal,
    resolvePath: (path) => path,
    parseJson: parseExactly,
    known: async (keys) => {
      const known = new Set((await settings.known?.(keys)) ?? [])
      counts.known += known.size
      return known
    },
    stored: async (keys) => new Set((await settings.known?.(keys)) ?? []),
    progress: ({listed = 0, outside = 0, gone = 0}) => {
      counts.listed += listed
      counts.outside += outside
      counts.gone += gone
    },
    reject: (reference, reason) => {
      rejected.push(`${reference}: ${reason}`)
    },
  }
  return {
    context,
    pages,
    records,
    counts,
    rejected,
    all: async (more = {}) => {
      for await (const page of source.extract({...context, ...more})) {
        pages.push(page.records.length)
        records.push(...page.records)
      }
      return records
    },
  }
}

/** Nothing that was listed may be lost on the way. */
export const isBalanced = ({counts, records, rejected}: Reading): boolean =>
  counts.listed === records.length + counts.known + counts.outside + counts.gone + rejected.length
