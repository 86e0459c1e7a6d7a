import {sourceBug} from '../base/errors.ts'
import type {Page} from '../source.ts'
import {untilSourceAnswers} from './source-answer.ts'

const LARGEST_PAGE = 10_000
/** The `finally` blocks of a source that is not needed any more have so many milliseconds. */
export const CLOSING_TIME = {finished: 10_000, aborted: 1000}

/** Takes what a source yields, whatever it is, page by page: every page is one, every wait can be aborted. */
export class SourcePages {
  readonly #iterator: AsyncIterator<unknown>
  readonly #signal: AbortSignal

  constructor(extracted: unknown, signal: AbortSignal) {
    const iterate = isObject(extracted) ? extracted[Symbol.asyncIterator] : undefined
    if (typeof iterate !== 'function') {
      throw sourceBug(`the source's extract gave ${kindOf(extracted)}, which is no async iterable of pages`)
    }
    this.#iterator = iterate.call(extracted) as AsyncIterator<unknown>
    this.#signal = signal
  }

  /** Answers `undefined` at the end. */
  async next(): Promise<Page | undefined> {
    const step: unknown = await untilSourceAnswers(() => this.#iterator.next(), this.#signal)
    if (!isObject(step)) throw sourceBug(`the source's iterator gave ${kindOf(step)} for a page`)
    if (step['done'] === true) return undefined
    return asPage(step['value'])
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
