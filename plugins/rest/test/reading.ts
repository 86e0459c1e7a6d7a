import type {JsonObject, JsonValue, SecretStore, SliceWindow, SourceContext} from 'lorchestra'

import {parseExactly} from '../../../src/base/exact-json.ts'
import {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import {options as schema, type Options} from '../src/options/options.ts'
import source from '../src/source.ts'

export interface ReadingOptions {
  readonly window?: Partial<SliceWindow>
  readonly bookmark?: JsonValue
  readonly secrets?: SecretStore
  readonly stored?: readonly string[]
  readonly streams?: readonly string[]
}

export interface Reading {
  readonly keys: string[]
  readonly records: JsonObject[]
  readonly deleted: string[]
  readonly rejected: string[]
  readonly bookmarks: JsonValue[]
  readonly checkpoints: JsonValue[]
  listed: number
  outside: number
}

/** Reads what a job with these options reads, as the host does. */
export async function reading(
  given: Readonly<Record<string, unknown>>,
  {window, bookmark, secrets = secretsInMemory(), stored = [], streams}: ReadingOptions = {},
): Promise<Reading> {
  const signal = new AbortController().signal
  const silent = (): void => undefined
  const log = {debug: silent, info: silent, warn: silent, error: silent}
  const options = schema.parse(given)
  const result: Reading = {
    keys: [],
    records: [],
    deleted: [],
    rejected: [],
    bookmarks: [],
    checkpoints: [],
    listed: 0,
    outside: 0,
  }
  const all = source.streams(options).map(({objectType}) => ({objectType, sourceSystem: 'rest--api'}))
  const context: SourceContext<Options> = {
    options,
    streams: all.filter(({objectType}) => streams?.includes(objectType) !== false),
    window: {until: new Date(), ...window},
    ...(bookmark !== undefined && {bookmark}),
    http: createHttpClient({signal, log, backoffMs: 0, traffic: new AccountTraffic()}),
    secrets,
    log,
    signal,
    resolvePath: (path) => path,
    parseJson: parseExactly,
    known: () => Promise.resolve(new Set()),
    stored: (keys) => Promise.resolve(new Set(keys.filter((key) => stored.includes(key)))),
    progress: ({listed = 0, outside = 0}) => {
      result.listed += listed
      result.outside += outside
    },
    reject: (reference, reason) => void result.rejected.push(`${reference}: ${reason}`),
  }
  for await (const page of source.extract(context)) {
    const stream = context.streams.find(({objectType}) => objectType === page.objectType) ?? context.streams[0]
    if (stream === undefined) throw new Error('a page belongs to a stream')
    result.records.push(...page.records)
    result.keys.push(...page.records.map((record) => source.idemKey(record, stream, options)))
    result.deleted.push(...(page.deleted ?? []))
    if (page.bookmark !== undefined)
      (page.checkpoint === true ? result.checkpoints : result.bookmarks).push(page.bookmark)
  }
  return result
}

/** Says what went wrong, with all causes. */
export async function failureOf(reads: Promise<unknown>): Promise<string> {
  try {
    await reads
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
  return 'nothing'
}
