import type {JsonObject, JsonValue} from 'lorchestra'

import type {Place} from './bookmark.ts'
import {Pieces, type Piece, type Reading} from './reading.ts'
import {LONGEST, NO_UTF8, textBlocks, type TextBlock} from './text-blocks.ts'

/** Reads one JSON object a line. */
export async function* readJsonLines(reading: Reading, from: Place): AsyncGenerator<Piece, void> {
  const pieces = new Pieces()
  let {lines} = from
  for await (const block of textBlocks(reading.content, from.at)) {
    if (block.tooLong > 0) reading.reject((lines += 1), `the line is longer than ${LONGEST} bytes`)
    let at = 0
    while (at < block.text.length) {
      const feed = block.text.indexOf('\n', at)
      const end = feed < 0 ? block.text.length : feed
      const isWhole = takeLine(reading, pieces, block, {at, end, isLast: feed < 0, line: lines + 1})
      if (feed < 0 || !isWhole) break
      at = end + 1
      lines += 1
      if (pieces.full) yield pieces.take({at: block.placeBehind(at), lines})
    }
    // A line without an end is read again when the file has grown.
    const place = {at: block.placeBehind(at), lines}
    block.drop(at)
    yield pieces.take(place)
  }
}

interface Line {
  readonly at: number
  readonly end: number
  readonly isLast: boolean
  readonly line: number
}

/** Takes the record of a line. False where the line is still being written. */
function takeLine(reading: Reading, pieces: Pieces, block: TextBlock, {at, end, isLast, line}: Line): boolean {
  const text = block.decoded(block.text.slice(at, end))
  if (text === undefined) reading.reject(line, NO_UTF8)
  if (text === undefined || text.trim() === '') return true
  const record = objectIn(text, reading)
  if (typeof record === 'object') {
    if (reading.accepts(record, line)) pieces.add(record, text.length)
    return true
  }
  if (isLast && !reading.rested) {
    reading.hold(line)
    return false
  }
  reading.reject(line, isLast ? `${record}; it is the last line, and may be torn` : record)
  return true
}

/** Gives the object, or what is wrong with it: nothing of the text may be quoted. */
export function objectIn(text: string, {parseJson}: Pick<Reading, 'parseJson'>): JsonObject | string {
  let value: JsonValue
  try {
    value = parseJson(text)
  } catch {
    return 'it is no JSON'
  }
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  return isObject ? (value as JsonObject) : 'it is JSON, but no object'
}
