import type {SpoolableRecord} from '../../model/raw-object-columns.ts'
import {ShapeFold, type StreamShape} from '../../model/record-shape.ts'
import type {Page, Source, SourceContext, Stream} from '../../source.ts'
import {PAGES, SourcePages} from '../source-pages.ts'
import type {KeyedPage, KeyedPageIterator, ReadLimits} from './hosted-source.ts'
import {keyRecord, recordKeys, type RecordKeys, type Rejection} from './keyed-record.ts'
import {assertJson} from './kept-json.ts'
import {streamNamed} from './stream-named.ts'

/** Takes a source's pages beside the source, and gives each record its key and its JSON text. */
export class KeyedPages implements KeyedPageIterator {
  readonly #keys: RecordKeys
  readonly #pages: SourcePages<Page>
  readonly #streams: readonly Stream[]
  readonly #limits: ReadLimits
  readonly #folds = new Map<string, ShapeFold>()
  #taken = 0

  constructor(
    source: Pick<Source, 'idemKey'>,
    extracted: unknown,
    {streams, options, signal}: Pick<SourceContext<unknown>, 'streams' | 'options' | 'signal'>,
    limits: ReadLimits,
  ) {
    this.#keys = recordKeys(source, options)
    this.#pages = new SourcePages(extracted, signal, PAGES)
    this.#streams = streams
    this.#limits = limits
  }

  async next(): Promise<IteratorResult<KeyedPage, readonly StreamShape[]>> {
    const page = await this.#pages.next()
    return page === undefined ? {done: true, value: this.#shapes()} : {done: false, value: this.#keyed(page)}
  }

  async return(): Promise<IteratorResult<KeyedPage, readonly StreamShape[]>> {
    await this.#pages.close()
    return {done: true, value: this.#shapes()}
  }

  /** Gives the shapes since it was asked last. */
  #shapes(): readonly StreamShape[] {
    const shapes = [...this.#folds].map(([objectType, fold]) => fold.shapeOf(objectType))
    this.#folds.clear()
    return shapes
  }

  #keyed({objectType, records: all, deleted, bookmark, checkpoint}: Page): KeyedPage {
    const stream = streamNamed(objectType, this.#streams)
    const taken = all.slice(0, this.#limits.records - this.#taken)
    const records: SpoolableRecord[] = []
    const rejections: Rejection[] = []
    const fold = this.#folds.get(stream.objectType) ?? new ShapeFold()
    this.#folds.set(stream.objectType, fold)
    for (const record of taken) {
      const keyed = keyRecord(this.#keys, record, stream, this.#limits.payload)
      if ('record' in keyed) {
        records.push(keyed.record)
        fold.add(record, keyed.record.idemKey)
      } else rejections.push(keyed.rejection)
    }
    this.#taken += taken.length
    return {
      objectType: stream.objectType,
      extracted: taken.length,
      records,
      rejections,
      ...(deleted !== undefined && {deleted: [...new Set(deleted)]}),
      ...(bookmark !== undefined && {bookmark: assertJson(bookmark, 'bookmark')}),
      ...(checkpoint !== undefined && {checkpoint, ...(this.#limits.inParts === true && {shapes: this.#shapes()})}),
    }
  }
}
