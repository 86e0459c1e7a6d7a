import {isUtf8} from 'node:buffer'

import {ByteWindow} from './byte-window.ts'
import type {Content} from './content.ts'

/** Characters of the longest line, and of the longest record of several lines. */
export const LONGEST = 32 * 1024 * 1024

/** Some whole lines of a file, and what is left of those before. */
export class TextBlock {
  readonly text: string
  /** Whether nothing comes behind it. */
  readonly ends: boolean
  /** Lines before it that are longer than any may be. */
  readonly tooLong: number
  readonly isUtf8: boolean
  readonly #window: ByteWindow

  constructor(window: ByteWindow, tooLong: number) {
    const bytes = window.bytes.subarray(0, window.wholeLines)
    this.ends = window.ended
    this.tooLong = tooLong
    // Delimiters, quotes and line feeds are the same in both; what stands between is looked at record by record.
    this.isUtf8 = isUtf8(bytes)
    this.text = bytes.toString(this.isUtf8 ? 'utf8' : 'latin1')
    this.#window = window
  }

  /** Gives a part of the text as what it is; `undefined` where it is no UTF-8. */
  decoded(part: string): string | undefined {
    if (this.isUtf8) return part
    const bytes = Buffer.from(part, 'latin1')
    return isUtf8(bytes) ? bytes.toString() : undefined
  }

  /** Gives the place in the file behind so many characters. */
  placeBehind(characters: number): number {
    return this.#window.at + this.#bytesOf(characters)
  }

  drop(characters: number): void {
    this.#window.drop(this.#bytesOf(characters))
  }

  #bytesOf(characters: number): number {
    return this.isUtf8 ? Buffer.byteLength(this.text.slice(0, characters)) : characters
  }
}

export const NO_UTF8 = 'it is no UTF-8; where the file is of another encoding, say so with encoding'

/** Reads text from this place on, in blocks that end with a line, except for the last. */
export async function* textBlocks(content: Content, at: number): AsyncGenerator<TextBlock, void> {
  const window = new ByteWindow(content.from(at), at)
  let left = 0
  let tooLong = 0
  try {
    for (;;) {
      const {wholeLines: whole, ended, bytes} = window
      if (whole > left || (ended && whole > 0) || (ended && tooLong > 0)) {
        const block = new TextBlock(window, tooLong)
        tooLong = 0
        yield block
        if (ended) return
        left = window.wholeLines
      } else if (ended) return
      else if (whole === 0 && bytes.length > LONGEST) {
        tooLong = 1
        await dropLine(window)
        continue
      }
      await window.more()
    }
  } finally {
    await window.close()
  }
}

async function dropLine(window: ByteWindow): Promise<void> {
  for (;;) {
    const end = window.bytes.indexOf(0x0a)
    window.drop(end < 0 ? window.bytes.length : end + 1)
    if (end >= 0 || window.ended) return
    await window.more()
  }
}
