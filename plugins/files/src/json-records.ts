import {isUtf8} from 'node:buffer'

import type {Place} from './bookmark.ts'
import {ByteWindow} from './byte-window.ts'
import {JsonElements} from './json-elements.ts'
import {objectIn} from './json-lines.ts'
import {Pieces, UnreadableFile, type Piece, type Reading} from './reading.ts'
import {LONGEST, NO_UTF8} from './text-blocks.ts'

const OPEN_LIST = 0x5b
const LINE_FEED = 0x0a

/** Reads the objects of a list, or objects that stand after each other, however they are laid out. */
export async function* readJsonRecords(reading: Reading, from: Place): AsyncGenerator<Piece, void> {
  const isList = await beginsWithList(reading)
  const window = new ByteWindow(reading.content.from(from.at), from.at)
  const elements = new JsonElements()
  const lines = new LineCounter(window, from.lines)
  const pieces = new Pieces()
  const drop = (): Piece => {
    const index = elements.done
    lines.drop(index)
    elements.drop(index)
    window.drop(index)
    elements.show(window.bytes)
    return pieces.take({at: window.at, lines: lines.before})
  }
  try {
    while (!window.ended) {
      await window.more()
      elements.show(window.bytes)
      for (let element = elements.next(); element !== undefined; element = elements.next()) {
        const line = lines.at(element === 'odd' ? elements.done : element.start)
        if (element === 'odd') {
          yield drop()
          throw new UnreadableFile(line, 'it is no list of objects')
        }
        take(reading, pieces, window.bytes.subarray(element.start, element.end), line)
        if (pieces.full) yield drop()
      }
      if (window.bytes.length - elements.done > LONGEST)
        throw new UnreadableFile(lines.at(elements.done), `an object is longer than ${LONGEST} bytes`)
      yield drop()
    }
    const isWhole = !elements.open && (elements.closed || !isList)
    if (isWhole || from.at === window.at) return
    if (reading.rested) throw new UnreadableFile(lines.before + 1, 'the list breaks off here; the file may be torn')
    reading.hold(lines.before + 1)
  } finally {
    await window.close()
  }
}

function take(reading: Reading, pieces: Pieces, bytes: Buffer, line: number): void {
  if (!isUtf8(bytes)) return reading.reject(line, NO_UTF8)
  const record = objectIn(bytes.toString(), reading)
  if (typeof record === 'string') return reading.reject(line, record)
  if (reading.accepts(record, line)) pieces.add(record, bytes.length)
}

async function beginsWithList({content}: Reading): Promise<boolean> {
  const window = new ByteWindow(content.from(0), 0)
  try {
    await window.more()
    return window.bytes.find((byte) => byte > 0x20) === OPEN_LIST
  } finally {
    await window.close()
  }
}

/** Tells lines by indexes that only grow, so that no part is looked at twice. */
class LineCounter {
  readonly #window: ByteWindow
  #counted = 0
  /** Lines before what was counted last. */
  before: number

  constructor(window: ByteWindow, before: number) {
    this.#window = window
    this.before = before
  }

  at(index: number): number {
    const {bytes} = this.#window
    for (let feed = bytes.indexOf(LINE_FEED, this.#counted); feed >= 0 && feed < index;) {
      this.before += 1
      feed = bytes.indexOf(LINE_FEED, feed + 1)
    }
    this.#counted = Math.max(this.#counted, index)
    return this.before + 1
  }

  drop(index: number): void {
    this.at(index)
    this.#counted = 0
  }
}
