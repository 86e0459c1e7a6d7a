import type {JsonObject, JsonValue, SecretStore, SliceWindow, SourceContext} from 'lorchestra'

import {parseExactly} from '../../../src/base/exact-json.ts'
import {createHttpClient} from '../../../src/sources/http/http-client.ts'
import type {AccountTraffic} from '../../../src/sources/http/account-traffic.ts'
import {secretsInMemory} from '../../../src/testing/trial.ts'
import type {EntraServer} from '../../../test/support/entra-server.ts'
import {options as schema, type Options} from '../src/options.ts'
import source from '../src/source.ts'

export interface Reading {
  readonly context: SourceContext<Options>
  /** Sizes of the pages that came. */
  readonly pages: number[]
  readonly records: JsonObject[]
  readonly deleted: string[]
  /** What was logged at info or above. */
  readonly logged: string[]
  /** The last one that came. */
  bookmark: JsonValue | undefined
  /** Takes all pages. */
  all(): Promise<readonly JsonObject[]>
}

export interface ReadingOptions {
  readonly options?: Readonly<Record<string, unknown>>
  readonly window?: Partial<SliceWindow>
  readonly bookmark?: JsonValue
  readonly secrets?: SecretStore
  readonly signal?: AbortSignal
  /** Shared by readings of one account; its clock says how long waits are. */
  readonly traffic?: AccountTraffic
  /** Called after each page, before the next one is asked for. */
  readonly afterPage?: (page: number) => Promise<void>
}

/** What the host does with one slice of the source. */
export function reading(entra: EntraServer, url: string, settings: ReadingOptions = {}): Reading {
  const {signal = new AbortController().signal, secrets = secretsInMemory(), bookmark} = settings
  const logged: string[] = []
  const silent = (): void => undefined
  const note = (message: string): void => void logged.push(message)
  const log = {debug: silent, info: note, warn: note, error: note}
  const context: SourceContext<Options> = {
    options: schema.parse({
      url,
      tenant_id: entra.tenantId,
      client_id: entra.clientId,
      client_secret: entra.clientSecret,
      authority: entra.url,
      entity: 'contact',
      ...settings.options,
    }),
    streams: [{sourceSystem: 'dataverse--clinic', objectType: 'contact'}],
    window: {until: new Date(), ...settings.window},
    ...(bookmark !== undefined && {bookmark}),
    http: createHttpClient({signal, log, backoffMs: 0, ...(settings.traffic && {traffic: settings.traffic})}),
    secrets,
    log,
    signal,
    resolvePath: (path) => path,
    parseJson: parseExactly,
    known: () => Promise.resolve(new Set()),
    stored: () => Promise.resolve(new Set()),
    progress: silent,
    reject: silent,
  }
  const run: Reading = {
    context,
    pages: [],
    records: [],
    deleted: [],
    logged,
    bookmark: undefined,
    all: async () => {
      for await (const page of source.extract(context)) {
        run.pages.push(page.records.length)
        run.records.push(...page.records)
        run.deleted.push(...(page.deleted ?? []))
        run.bookmark = page.bookmark ?? run.bookmark
        await settings.afterPage?.(run.pages.length)
      }
      return run.records
    },
  }
  return run
}

/** The last record of each key, as a warehouse keeps it. */
export function lastOfEachKey({records, context}: Reading): ReadonlyMap<string, JsonObject> {
  const [stream] = context.streams
  if (stream === undefined) throw new Error('a reading has one stream')
  return new Map(records.map((record) => [source.idemKey(record, stream), record]))
}
