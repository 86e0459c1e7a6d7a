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
  /** The page before, where its link was not followed. */
  #instead: {readonly firstKey: unknown; readonly link: string} | undefined
  #useless = false

  constructor(primaryKey: string, pageAfter: (key: string) => string) {
    this.#primaryKey = primaryKey
    this.#pageAfter = pageAfter
  }

  /** Gives the link that was not followed, where the same page came again: a server that selects nothing can only be asked by its links. */
  linkNotFollowed({first}: PageEnds): string | undefined {
    const instead = this.#instead
    this.#instead = undefined
    if (instead === undefined || first?.[this.#primaryKey] !== instead.firstKey) return undefined
    this.#useless = true
    return instead.link
  }

  /** Tells what to ask for after a page that came with `link` as the answer to `asked`. */
  next(link: string, asked: string, {count, first, last}: PageEnds): string {
    const key = last?.[this.#primaryKey]
    if (this.#useless || !isGuid(key) || countIn(link) !== countIn(asked) + count) return link
    this.#instead = {firstKey: first?.[this.#primaryKey], link}
    return this.#pageAfter(key)
  }
}

export interface PageEnds {
  readonly count: number
  readonly first?: JsonObject | undefined
  readonly last?: JsonObject | undefined
}
