import type {JsonObject} from 'lorchestra'

const COUNT = /(?<=[?&](?:\$|%24)skip(?:token)?=)\d+(?=&|$)/i

/**
 * Dataverse's links begin after the last key, and are followed as they are. Where a server's links count rows instead,
 * each row that is deleted or leaves the window moves the others to the front, past the place where the next page
 * begins. So that page begins one row earlier: it holds a row of the page before, or is read from further back.
 */
export class CountedRows {
  readonly #primaryKey: string
  #count = 0
  #step = 1
  /** Of the page before, where the link to this one counted rows. */
  #before = new Set<unknown>()

  constructor(primaryKey: string) {
    this.#primaryKey = primaryKey
  }

  /** Where to read instead of `asked`, whose rows are not all that follow the page before. */
  furtherBack(asked: string, [first]: readonly JsonObject[]): string | undefined {
    if (this.#before.size === 0 || this.#count === 0 || this.#before.has(first?.[this.#primaryKey])) return undefined
    // Doubled, because going back a whole page for a few rows could go on for ever where rows keep being deleted.
    this.#step *= 2
    this.#count = Math.max(0, this.#count - this.#step)
    return asked.replace(COUNT, String(this.#count))
  }

  /** The link to use for `link`, which came with `rows`, if it counts rows. */
  overlapping(link: string, rows: readonly JsonObject[]): string | undefined {
    const written = COUNT.exec(link)?.[0]
    const counts = rows.length > 1 && Number(written) === this.#count + rows.length
    this.#step = 1
    this.#before = new Set(counts ? rows.map((row) => row[this.#primaryKey]) : [])
    this.#count = counts ? Number(written) - 1 : Number(written ?? 0)
    return counts ? link.replace(COUNT, String(this.#count)) : undefined
  }
}
