import type {JsonObject} from 'lorchestra'

import {isGuid} from './idem-key.ts'

const COUNT = /(?<=[?&](?:\$|%24)skip(?:token)?=)\d+(?=&|$)/i
const countIn = (address: string): number => Number(COUNT.exec(address)?.[0] ?? 0)

/**
 * Dataverse's links begin after the last key, and are followed as they are. Where a server's links count rows instead,
 * each row that is deleted or leaves the window moves the others to the front, past the place where the next page
 * begins. So what follows the last key is asked for instead, whatever became of the rows before it.
 */
export class CountedLinks {
  readonly #primaryKey: string
  readonly #pageAfter: (key: string) => string
  #instead: {readonly key: string; readonly link: string} | undefined
  #useless = false

  constructor(primaryKey: string, pageAfter: (key: string) => string) {
    this.#primaryKey = primaryKey
    this.#pageAfter = pageAfter
  }

  /** What to ask for after `rows`, which came with `link` as the answer to `asked`. */
  next(link: string, asked: string, rows: readonly JsonObject[]): string {
    const key = rows.at(-1)?.[this.#primaryKey]
    if (this.#useless || !isGuid(key) || countIn(link) !== countIn(asked) + rows.length) return link
    this.#instead = {key, link}
    return this.#pageAfter(key)
  }

  /** The link that was not followed, where `rows` begin again: a server that selects nothing can only be asked by its links. */
  unheeded(rows: readonly JsonObject[]): string | undefined {
    const instead = this.#instead
    this.#instead = undefined
    if (instead === undefined || rows.every((row) => row[this.#primaryKey] !== instead.key)) return undefined
    this.#useless = true
    return instead.link
  }
}
