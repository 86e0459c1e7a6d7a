import {sourceBug} from '../base/errors.ts'
import type {Page} from '../source.ts'
import {untilSourceAnswers} from './source-answer.ts'

const LARGEST_PAGE = 10_000
/** The `finally` blocks of a source that is not needed any more have so many milliseconds. */
export const CLOSING_TIME = {finished: 10_000, aborted: 1000}

/** What a method of a source yields, and how one of them is taken. */
export interface Yielded<Item> {
  readonly method: string
  readonly plural: string
  readonly take: (value: unknown) => Item
}

/** Takes what a source yields, whatever it is, page by page: every page is one, every wait can be aborted. */
export class SourcePages<Item> {
  readonly #iterator: AsyncIterator<unknown>
  readonly #signal: AbortSignal
  readonly #take: (value: unknown) => Item

  constructor(given: unknown, signal: AbortSignal, {method, plural, take}: Yielded<Item>) {
    const iterate = isObject(given) ? given[Symbol.asyncIterator] : undefined
    if (typeof iterate !== 'function') {
      throw sourceBug(`the source's ${method} gave ${kindOf(given)}, which is no async iterable of ${plural}`)
    }
    this.#iterator = iterate.call(given) as AsyncIterator<unknown>
    this.#signal = signal
    this.#take = take
  }

  /** Answers `undefined` at the end. */
  async next(): Promise<Item | undefined> {
    const step: unknown = await untilSourceAnswers(() => this.#iterator.next(), this.#signal)
    if (!isObject(step)) throw sourceBug(`the source's iterator gave ${kindOf(step)} for a page`)
    if (step['done'] === true) return undefined
    return this.#take(step['value'])
  }

  /** Ends a source that has more, or failed: its `finally` blocks run, for a while. */
  async close(): Promise<void> {
    const time = this.#signal.aborted ? CLOSING_TIME.aborted : CLOSING_TIME.finished
    // A timer that keeps the process alive: the source may be waiting for nothing at all.
    const late = new AbortController()
    const timer = setTimeout(() => {
      late.abort(sourceBug(`the source did not end within ${time / 1000} s of being told to`))
    }, time)
    try {
      await untilSourceAnswers(() => this.#iterator.return?.(), late.signal)
    } finally {
      clearTimeout(timer)
    }
  }
}

export const PAGES: Yielded<Page> = {method: 'extract', plural: 'pages', take: asPage}

export const KEY_PAGES: Yielded<readonly string[]> = {
  method: 'listKeys',
  plural: 'lists of keys',
  take(value) {
    if (!Array.isArray(value) || !value.every((key) => typeof key === 'string'))
      throw sourceBug('the source listed keys that are no list of texts')
    if (value.length <= LARGEST_PAGE) return value
    throw sourceBug(`a page of ${value.length} keys; a page holds at most ${LARGEST_PAGE}`, {
      rule: 'it must yield smaller pages',
    })
  },
}

function asPage(value: unknown): Page {
  if (!isObject(value) || !Array.isArray(value['records'])) {
    throw sourceBug(
      `the source yielded ${isObject(value) ? 'an object whose records are no array' : kindOf(value)} for a page`,
      {rule: 'a page is {records: [...]}'},
    )
  }
  const {records, deleted, bookmark, checkpoint} = value as Readonly<Record<string, unknown>> & {records: unknown[]}
  if (deleted !== undefined && !Array.isArray(deleted)) {
    throw sourceBug('the source yielded a page whose deleted keys are no array')
  }
  if (checkpoint !== undefined && checkpoint !== true)
    throw sourceBug('the source yielded a page whose checkpoint is not true', {rule: 'it is true or left out'})
  if (checkpoint === true && bookmark === undefined) {
    throw sourceBug('the source yielded a checkpoint without a bookmark', {
      rule: 'the bookmark is what a later run goes on from',
    })
  }
  if (records.length > LARGEST_PAGE) {
    throw sourceBug(`a page of ${records.length} records; a page holds at most ${LARGEST_PAGE}`, {
      rule: 'it must yield smaller pages',
    })
  }
  return value as unknown as Page
}

const isObject = (value: unknown): value is Readonly<Record<string | symbol, unknown>> =>
  (typeof value === 'object' && value !== null) || typeof value === 'function'

const kindOf = (value: unknown): string => {
  if (value === null || value === undefined) return 'nothing'
  if (Array.isArray(value)) return 'a list'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}
