import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import type {Page, Source, Stream} from '../../source.ts'
import {PAGES, SourcePages} from '../source-pages.ts'
import type {KeyedPage, ReadLimits} from './hosted-source.ts'
import {keyRecord, type Rejection} from './keyed-record.ts'
import {assertJson} from './kept-json.ts'
import {streamNamed} from './stream-named.ts'

/** Takes a source's pages beside the source, and gives each record its key and its JSON text. */
export class KeyedPages implements AsyncIterator<KeyedPage> {
  readonly #source: Pick<Source, 'idemKey'>
  readonly #pages: SourcePages<Page>
  readonly #streams: readonly Stream[]
  readonly #limits: ReadLimits
  #taken = 0

  constructor(
    source: Pick<Source, 'idemKey'>,
    extracted: unknown,
    {streams, signal}: {readonly streams: readonly Stream[]; readonly signal: AbortSignal},
    limits: ReadLimits,
  ) {
    this.#source = source
    this.#pages = new SourcePages(extracted, signal, PAGES)
    this.#streams = streams
    this.#limits = limits
  }

  async next(): Promise<IteratorResult<KeyedPage, undefined>> {
    const page = await this.#pages.next()
    return page === undefined ? {done: true, value: undefined} : {done: false, value: this.#keyed(page)}
  }

  async return(): Promise<IteratorResult<KeyedPage, undefined>> {
    await this.#pages.close()
    return {done: true, value: undefined}
  }

  #keyed({objectType, records: all, deleted, bookmark, checkpoint}: Page): KeyedPage {
    const stream = streamNamed(objectType, this.#streams)
    const taken = all.slice(0, this.#limits.records - this.#taken)
    const records: SpoolableRecord[] = []
    const rejections: Rejection[] = []
    for (const record of taken) {
      const keyed = keyRecord(this.#source, record, stream, this.#limits.payload)
      if ('record' in keyed) records.push(keyed.record)
      else rejections.push(keyed.rejection)
    }
    this.#taken += taken.length
    return {
      objectType: stream.objectType,
      extracted: taken.length,
      records,
      rejections,
      ...(deleted !== undefined && {deleted: [...new Set(deleted)]}),
      ...(bookmark !== undefined && {bookmark: assertJson(bookmark, 'bookmark')}),
      ...(checkpoint !== undefined && {checkpoint}),
    }
  }
}
