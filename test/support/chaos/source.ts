import {appendFileSync} from 'node:fs'

import type {JsonObject, Page, Source, SourceContext, Stream} from '../../../src/source.ts'
import {World, type WorldSettings} from './world.ts'

export interface ChaosOptions {
  readonly world: WorldSettings
  /** Which moment's state the service shows. */
  readonly asOf: number
  readonly pageSize: number
  /** Where a line for each call of `extract` goes, for those who check afterwards: a file, or from a box an address. */
  readonly calls: string
  readonly run: string
}

export interface ChaosSourceSettings {
  readonly slice: string
  readonly overlap: string
  readonly changeFeed: boolean
}

export interface Call {
  readonly run: string
  readonly since: number | null
  readonly until: number
  readonly bookmark: number | null
  readonly asOf: number
}

export const keyOf = (objectType: string, sourceSystem: string, id: string): string =>
  `${objectType}:${sourceSystem}:${id}`

/** Items that change and go, and mails that never change, of a `World`. */
export function chaosSource(settings: ChaosSourceSettings, onPage: () => void = () => {}): Source<ChaosOptions> {
  return {
    apiVersion: 1,
    name: 'chaos',
    summary: 'items and mails of a world made from a seed',
    options: {'~standard': {version: 1, vendor: 'test', validate: (value) => ({value: value as ChaosOptions})}},
    defaults: {slice: settings.slice, overlap: settings.overlap, earliest: '2024-01-01'},
    streams: () => [
      {objectType: 'item', windowed: true},
      {objectType: 'mail', windowed: true},
    ],
    idemKey(record, {objectType, sourceSystem}) {
      if (typeof record['id'] !== 'string') throw new Error('it has no id')
      return keyOf(objectType, sourceSystem, record['id'])
    },
    ...(settings.changeFeed && {
      currentBookmark: ({window}: SourceContext<ChaosOptions>) => Promise.resolve(window.until.getTime()),
    }),
    async *extract(context) {
      for await (const page of pagesOf(context)) {
        onPage()
        yield page
      }
    },
  }
}

async function* pagesOf({options, window, bookmark, streams, ...host}: SourceContext<ChaosOptions>) {
  const call: Call = {
    run: options.run,
    since: window.since?.getTime() ?? null,
    until: window.until.getTime(),
    bookmark: typeof bookmark === 'number' ? bookmark : null,
    asOf: options.asOf,
  }
  await recordCall(options.calls, JSON.stringify(call))
  const {item, mail} = new World(options.world).read(call.bookmark ?? call.since ?? 0, call.until, call.asOf)
  const [items, mails] = ['item', 'mail'].map((type) => streams.find(({objectType}) => objectType === type))
  if (items === undefined || mails === undefined) throw new Error('a stream is not read')
  for (const reference of item.unreadable) host.reject(reference, 'it cannot be read', 'item')
  for (const records of inPages(item.records, options.pageSize)) yield pageOf(items, records)
  const deleted = item.removed.map((id) => keyOf('item', items.sourceSystem, id))
  if (deleted.length > 0) yield {...pageOf(items, []), deleted}
  const keys = mail.records.map(({id}) => keyOf('mail', mails.sourceSystem, String(id)))
  host.progress({objectType: 'mail', listed: mail.records.length})
  const known = await host.known(keys)
  const fresh = mail.records.filter((_, index) => !known.has(keys[index] ?? ''))
  for (const records of inPages(fresh, options.pageSize)) yield pageOf(mails, records)
}

async function recordCall(place: string, call: string): Promise<void> {
  if (place.startsWith('http:')) await fetch(place, {method: 'POST', body: call})
  else appendFileSync(place, `${call}\n`)
}

const pageOf = ({objectType}: Stream, records: readonly JsonObject[]): Page => ({objectType, records})

function* inPages(records: readonly JsonObject[], size: number): Generator<readonly JsonObject[]> {
  for (let index = 0; index < records.length; index += size) yield records.slice(index, index + size)
}
