import {KEY_PAGES, SourcePages} from '../source-pages.ts'

/** Takes the keys that a source lists beside the source. */
export class ListedKeys implements AsyncIterator<readonly string[]> {
  readonly #pages: SourcePages<readonly string[]>

  constructor(listed: unknown, signal: AbortSignal) {
    this.#pages = new SourcePages(listed, signal, KEY_PAGES)
  }

  async next(): Promise<IteratorResult<readonly string[], undefined>> {
    const keys = await this.#pages.next()
    return keys === undefined ? {done: true, value: undefined} : {done: false, value: keys}
  }

  async return(): Promise<IteratorResult<readonly string[], undefined>> {
    await this.#pages.close()
    return {done: true, value: undefined}
  }
}
