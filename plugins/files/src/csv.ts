import type {JsonObject, JsonValue} from 'lorchestra'

import type {Place} from './bookmark.ts'
import {CsvText} from './csv-text.ts'
import {csvHeader, type CsvHeader} from './csv-header.ts'
import {csvShapeOf} from './csv-shape.ts'
import {Pieces, type Piece, type Reading} from './reading.ts'
import {LONGEST, NO_UTF8, textBlocks, type TextBlock} from './text-blocks.ts'

/** Reads a record a row. Fields are text, as the file tells them, but for those that `types` names. */
export async function* readCsv(reading: Reading, from: Place): AsyncGenerator<Piece, void> {
  const header = await csvHeader(reading)
  if (header === undefined) return
  const start = from.at > header.place.at ? from : header.place
  const rows = new Rows(reading, header, start.lines)
  for await (const block of textBlocks(reading.content, start.at)) {
    rows.begin(block)
    while (rows.take()) if (rows.pieces.full) yield rows.piece()
    const piece = rows.piece()
    block.drop(rows.at)
    yield piece
  }
}

class Rows {
  readonly pieces = new Pieces()
  readonly #reading: Reading
  readonly #toRecord: (fields: readonly string[]) => JsonObject | string
  readonly #columns: number
  /** A record has the names of all columns in it. */
  readonly #nameCharacters: number
  #block: TextBlock | undefined
  #text: CsvText | undefined
  #lines: number

  constructor(reading: Reading, {names}: CsvHeader, lines: number) {
    this.#reading = reading
    this.#columns = names.length
    this.#nameCharacters = names.join('').length
    this.#toRecord = recordMaker(names, reading)
    this.#lines = lines
  }

  begin(block: TextBlock): void {
    this.#block = block
    this.#text = new CsvText(block.text, csvShapeOf(this.#reading.settings))
    if (block.tooLong > 0) this.#reading.reject((this.#lines += 1), `the line is longer than ${LONGEST} bytes`)
  }

  /** Index in the block behind what was taken. */
  get at(): number {
    return this.#text?.at ?? 0
  }

  piece(): Piece {
    return this.pieces.take({at: this.#block?.placeBehind(this.at) ?? 0, lines: this.#lines})
  }

  /** Takes the next row, if there is a whole one. */
  take(): boolean {
    const [block, text] = [this.#block, this.#text]
    if (block === undefined || text === undefined) return false
    const start = text.at
    const step = text.next()
    if (step === 'end') return false
    if (step === 'open') {
      if (!block.ends && block.text.length - start < LONGEST) return false
      text.giveUp('a quote in it is never closed')
    }
    const isLast = block.ends && text.at === block.text.length && !block.text.endsWith('\n')
    if (isLast && !this.#reading.rested) this.#reading.hold(this.#lines + 1)
    else this.#takeRow(text, block)
    // A line without an end is read again when the file has grown.
    if (isLast) text.at = start
    else this.#lines += text.lines
    return !isLast
  }

  #takeRow({fields: raw, problem}: CsvText, block: TextBlock): void {
    const line = this.#lines + 1
    if (problem !== undefined) return this.#reading.reject(line, problem)
    if (raw.length === 1 && raw[0] === '') return
    const fields = decodedFields(raw, block)
    if (fields === undefined) return this.#reading.reject(line, NO_UTF8)
    if (fields.length !== this.#columns)
      return this.#reading.reject(line, `it has ${fields.length} fields, and there are ${this.#columns} columns`)
    const record = this.#toRecord(fields)
    if (typeof record === 'string') return this.#reading.reject(line, record)
    if (!this.#reading.accepts(record, line)) return
    this.pieces.add(record, this.#nameCharacters + raw.reduce((sum, field) => sum + field.length, 0))
  }
}

function decodedFields(raw: readonly string[], block: TextBlock): readonly string[] | undefined {
  if (block.isUtf8) return raw
  const fields = raw.map((field) => block.decoded(field))
  return fields.every((field) => field !== undefined) ? fields : undefined
}

const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
const BOOLEANS: Readonly<Record<string, boolean>> = {true: true, false: false, '1': true, '0': false}

/** Makes what gives a row's record, or says what is wrong with a field of it. */
function recordMaker(
  names: readonly string[],
  {settings: {types = {}}, parseJson}: Pick<Reading, 'settings' | 'parseJson'>,
): (fields: readonly string[]) => JsonObject | string {
  const convert = {
    number: (text: string): JsonValue | undefined => (NUMBER.test(text) ? parseJson(text) : undefined),
    boolean: (text: string): JsonValue | undefined => BOOLEANS[text.toLowerCase()],
    json: (text: string): JsonValue | undefined => {
      try {
        return parseJson(text)
      } catch {
        return undefined
      }
    },
  }
  const typed = Object.entries(types).map(([name, type]) => ({index: names.indexOf(name), name, type}))
  // An assignment to this name would be lost.
  const isPlain = !names.includes('__proto__')
  return (fields) => {
    let values: readonly JsonValue[] = fields
    if (typed.length > 0) {
      const changed: JsonValue[] = [...fields]
      for (const {index, name, type} of typed) {
        const text = (fields[index] ?? '').trim()
        const value = text === '' ? null : convert[type](text)
        if (value === undefined) return `its ${name} is no ${type}`
        changed[index] = value
      }
      values = changed
    }
    if (!isPlain) return Object.fromEntries(names.map((name, index) => [name, values[index]]))
    const record: Record<string, JsonValue> = {}
    for (let index = 0; index < names.length; index += 1) record[names[index] as string] = values[index] as JsonValue
    return record
  }
}
