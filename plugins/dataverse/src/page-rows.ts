import type {JsonObject, JsonValue} from 'lorchestra'

/** Holds the rows of one page, of which only a part is in memory at a time. */
export class PageRows implements Iterable<readonly JsonObject[]> {
  /** The first row; `undefined` where there is none, or `null` in its place. */
  readonly first: JsonObject | undefined
  /** The last of the rows that were taken so far. */
  last: JsonObject | undefined
  count = 0
  readonly #iterator: Iterator<readonly JsonValue[]>
  #head: IteratorResult<readonly JsonValue[]>

  constructor(parts: Iterable<readonly JsonValue[]>) {
    this.#iterator = parts[Symbol.iterator]()
    this.#head = this.#iterator.next()
    this.first = this.#head.done === true ? undefined : ((this.#head.value[0] ?? undefined) as JsonObject | undefined)
  }

  *[Symbol.iterator](): Generator<readonly JsonObject[], void> {
    while (this.#head.done !== true) {
      const rows = this.#head.value as readonly JsonObject[]
      this.count += rows.length
      this.last = rows.at(-1) ?? this.last
      if (rows.length > 0) yield rows
      this.#head = this.#iterator.next()
    }
  }

  /** Lets go of the rows that nobody took. */
  drop(): void {
    this.#iterator.return?.()
  }
}
