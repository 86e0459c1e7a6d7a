import type {Estimate} from '../source.ts'
import type {TimeWindow} from '../model/window.ts'

const LONGEST_BY_LENGTH = 4
/** A source may know whole seconds alone, and then reads a little more than each slice. */
const SHORTEST = 60_000

export interface SlicesOptions {
  /** Milliseconds; `undefined`: all at once, as far as the source can tell that it is not too much. */
  readonly length: number | undefined
  /** True where the job names the length: none may be longer. */
  readonly isMaximum: boolean
  /** Milliseconds since 1970; nothing lies before it. */
  readonly earliest: number
  /** Counts what there is to read, where the source can tell before it reads. */
  readonly sizeOf?: (window: TimeWindow) => Promise<Estimate>
  /** The most that one slice may hold. */
  readonly most: Estimate
}

/**
 * Cuts a window into slices, oldest first. `next` is told whether the slice before was empty: an empty one doubles
 * the next, so that quiet years cost few calls, but up to four times the source's length, for the first with records may hold
 * all, and never beyond the length that the job names.
 * One that would hold too much is shortened before any of it is read, for what is interrupted is a slice, and read again;
 * those after it grow back to the length. The first slice reaches back to the window's beginning.
 */
export class Slices {
  readonly #window: TimeWindow
  readonly #options: SlicesOptions
  readonly #length: number
  #since: number
  #span: number | undefined

  constructor(window: TimeWindow, options: SlicesOptions) {
    this.#window = window
    this.#options = options
    this.#length = options.length ?? Infinity
    this.#since = window.since
  }

  async next(emptyBefore: boolean): Promise<TimeWindow | undefined> {
    if (this.#since >= this.#window.until) return undefined
    this.#grow(emptyBefore)
    let slice = this.#slice()
    for (let times = await this.#timesTooLarge(slice); times > 1; times = await this.#timesTooLarge(slice)) {
      const span = Math.floor((slice.until - this.#countedFrom) / Math.ceil(times))
      if (!Number.isFinite(span) || span < SHORTEST) break
      this.#span = span
      slice = this.#slice()
    }
    this.#since = slice.until
    return slice
  }

  #grow(emptyBefore: boolean): void {
    if (this.#span === undefined) this.#span = this.#length
    else if (emptyBefore) this.#span = Math.min(this.#span * 2, this.#longest)
    else this.#span = Math.min(this.#span * 2, this.#length)
  }

  /** The longest slice: where the source can tell, one that holds all records is seen, and shortened. */
  get #longest(): number {
    if (this.#options.isMaximum) return this.#length
    return this.#options.sizeOf === undefined ? this.#length * LONGEST_BY_LENGTH : Infinity
  }

  /** Nothing lies before `earliest`; with neither it nor a beginning there is nothing to count slices from. */
  get #countedFrom(): number {
    return Math.max(this.#since, this.#options.earliest)
  }

  #slice(): TimeWindow {
    const end = Number.isFinite(this.#countedFrom) ? this.#countedFrom + (this.#span ?? this.#length) : Infinity
    return {since: this.#since, until: Math.min(end, this.#window.until)}
  }

  async #timesTooLarge(slice: TimeWindow): Promise<number> {
    const {sizeOf, most} = this.#options
    if (sizeOf === undefined) return 0
    const {records, units} = await sizeOf(slice)
    return Math.max(records / most.records, units / most.units)
  }
}
