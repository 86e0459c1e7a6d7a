import type {FileHandle} from 'node:fs/promises'

import type {JsonObject, JsonValue} from 'lorchestra'

import type {Place} from './bookmark.ts'
import type {Content} from './content.ts'
import type {StreamSettings} from './options.ts'

/** Some records of a file, and the place behind them. */
export interface Piece {
  readonly records: readonly JsonObject[]
  readonly place: Place
}

/** What a format needs to read one file. */
export interface Reading {
  readonly settings: StreamSettings
  readonly file: FileHandle
  readonly size: number
  readonly content: Content
  /** Whether the file was left alone for so long that its last line, too, is whole. */
  readonly rested: boolean
  readonly signal: AbortSignal
  readonly parseJson: (text: string) => JsonValue
  /** Tells whether a record is to be yielded; where not, it is counted or rejected. */
  accepts(record: JsonObject, line: number): boolean
  reject(line: number, reason: string): void
  /** Says that the end of the file is still being written, so that the next run looks at it again. */
  hold(line: number): void
}

export type Format = (reading: Reading, from: Place) => AsyncGenerator<Piece, void>

/** Nothing in the file can be read, or nothing from this line on. */
export class UnreadableFile extends Error {
  readonly line: number

  constructor(line: number, reason: string, options?: ErrorOptions) {
    super(reason, options)
    this.line = line
  }
}

const PIECE_RECORDS = 5000
/** As JSON a record is longer than in the file, most of all one with many columns. */
const PIECE_CHARACTERS = 2_000_000

/** Gathers records until there are enough for a page. */
export class Pieces {
  #records: JsonObject[] = []
  #characters = 0

  add(record: JsonObject, characters: number): void {
    this.#records.push(record)
    this.#characters += characters
  }

  get full(): boolean {
    return this.#records.length >= PIECE_RECORDS || this.#characters >= PIECE_CHARACTERS
  }

  take(place: Place): Piece {
    const records = this.#records
    this.#records = []
    this.#characters = 0
    return {records, place}
  }
}
