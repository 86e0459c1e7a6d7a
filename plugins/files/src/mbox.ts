import type {Place} from './bookmark.ts'
import {ByteWindow} from './byte-window.ts'
import {mailRecord} from './mail-record.ts'
import {Pieces, UnreadableFile, type Piece, type Reading} from './reading.ts'

/** Gmail takes messages of 50 MB, which base64 makes a third longer. */
const LONGEST_MESSAGE = 80 * 1024 * 1024
const SEPARATOR = Buffer.from('\nFrom ')
/** A line that begins a message tells when it was received, as C's asctime does: text that begins with From does not. */
const BEGINS =
  /^From .*\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d(?::\d\d)? .*\d/
const LONGEST_SEPARATOR = 1000
const LINE_FEED = 0x0a
const CARRIAGE_RETURN = 0x0d

/** Reads a message a record. The last one is read again when the file has grown. */
export async function* readMbox(reading: Reading, from: Place): AsyncGenerator<Piece, void> {
  const window = new ByteWindow(reading.content.from(from.at), from.at)
  const messages = new Messages(window)
  const pieces = new Pieces()
  let {lines} = from
  try {
    for (;;) {
      const end = messages.end()
      if (end === undefined && !window.ended) {
        if (window.bytes.length > LONGEST_MESSAGE) lines += messages.skip()
        else await window.more()
        continue
      }
      const isLast = end === undefined
      const bytes = window.bytes.subarray(0, end)
      if (bytes.length === 0) break
      if (isLast && !reading.rested && bytes.at(-1) !== LINE_FEED) {
        reading.hold(lines + 1)
        break
      }
      if (messages.takeSkipped()) reading.reject(lines + 1, `the message is longer than ${LONGEST_MESSAGE} bytes`)
      else take(reading, pieces, bytes, lines + 1)
      if (isLast) break
      lines += linesIn(bytes)
      messages.drop(end)
      if (pieces.full) yield pieces.take({at: window.at, lines})
    }
    yield pieces.take({at: window.at, lines})
  } finally {
    await window.close()
  }
}

function take(reading: Reading, pieces: Pieces, bytes: Buffer, line: number): void {
  const feed = bytes.indexOf(LINE_FEED)
  const separator = bytes.toString('latin1', 0, feed < 0 ? bytes.length : feed)
  if (!BEGINS.test(separator))
    throw new UnreadableFile(line, 'it is no mbox: no line that begins with From and has a time')
  const record = mailRecord(separator.trimEnd(), feed < 0 ? '' : bytes.toString('latin1', feed + 1))
  if (reading.accepts(record, line)) pieces.add(record, bytes.length)
}

/** Finds where messages end, in bytes that come piece by piece. */
class Messages {
  readonly #window: ByteWindow
  #searched = 0
  #skipped = false

  constructor(window: ByteWindow) {
    this.#window = window
  }

  /** Gives the index where the next message begins; `undefined` where more bytes are needed to tell. */
  end(): number | undefined {
    const {bytes, ended} = this.#window
    for (let at = bytes.indexOf(SEPARATOR, this.#searched); at >= 0; at = bytes.indexOf(SEPARATOR, at + 1)) {
      const lineEnd = bytes.indexOf(LINE_FEED, at + 1)
      // The line may be yet to come as a whole.
      if (lineEnd < 0 && !ended && bytes.length - at < LONGEST_SEPARATOR) {
        this.#searched = at
        return undefined
      }
      const line = bytes.toString('latin1', at + 1, lineEnd < 0 ? bytes.length : lineEnd)
      if (this.#isBlankBefore(at) && line.length < LONGEST_SEPARATOR && BEGINS.test(line)) return at + 1
    }
    this.#searched = Math.max(0, bytes.length - SEPARATOR.length)
    return undefined
  }

  drop(count: number): void {
    this.#window.drop(count)
    this.#searched = 0
  }

  /** Passes over what is shown of a message that is too long, and gives how many lines that is. */
  skip(): number {
    const {bytes} = this.#window
    const index = Math.max(0, this.#searched - 2)
    const lines = linesIn(bytes.subarray(0, index))
    this.#window.drop(index)
    this.#searched -= index
    this.#skipped = true
    return lines
  }

  takeSkipped(): boolean {
    const skipped = this.#skipped
    this.#skipped = false
    return skipped
  }

  #isBlankBefore(feed: number): boolean {
    const {bytes} = this.#window
    const before = bytes[feed - 1] === CARRIAGE_RETURN ? feed - 2 : feed - 1
    return before < 0 || bytes[before] === LINE_FEED
  }
}

function linesIn(bytes: Buffer): number {
  let lines = 0
  for (let at = bytes.indexOf(LINE_FEED); at >= 0; at = bytes.indexOf(LINE_FEED, at + 1)) lines += 1
  return lines
}
