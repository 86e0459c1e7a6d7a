const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT, COMMA] = [0x5b, 0x5d, 0x7b, 0x7d, 0x2c]

export interface JsonElement {
  readonly start: number
  readonly end: number
}

/** Finds objects that stand in a list, or after each other, in bytes that come piece by piece. */
export class JsonElements {
  #bytes: Uint8Array = new Uint8Array()
  #at = 0
  #start = -1
  #depth = 0
  #inText = false
  #closed = false

  /** Shows more bytes: those that are not done with, and what follows them. */
  show(bytes: Uint8Array): void {
    this.#bytes = bytes
  }

  /** Whether a list was closed behind the last object. */
  get closed(): boolean {
    return this.#closed
  }

  /** Whether an object has begun and not ended. */
  get open(): boolean {
    return this.#start >= 0
  }

  /** Tells that so many bytes at the beginning are done with. */
  drop(count: number): void {
    this.#at -= count
    if (this.#start >= 0) this.#start -= count
  }

  /** Index of the byte that is looked at next, or where the open object begins. */
  get done(): number {
    return this.#start >= 0 ? this.#start : this.#at
  }

  /** Gives the next whole object; 'odd' for what is none; `undefined` where more bytes are needed. */
  next(): JsonElement | 'odd' | undefined {
    const bytes = this.#bytes
    for (; this.#at < bytes.length; this.#at += 1) {
      const byte = bytes[this.#at] as number
      if (this.#inText) {
        if (byte === BACKSLASH) {
          // What it escapes may be yet to come.
          if (this.#at + 1 >= bytes.length) break
          this.#at += 1
        } else if (byte === QUOTE) this.#inText = false
      } else if (this.#depth === 0) {
        if (byte === OPEN_OBJECT) {
          this.#start = this.#at
          this.#depth = 1
          this.#closed = false
        } else if (byte === CLOSE_LIST) this.#closed = true
        else if (byte > SPACE && byte !== COMMA && byte !== OPEN_LIST) return 'odd'
      } else if (byte === QUOTE) this.#inText = true
      else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#depth += 1
      else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) {
        this.#depth -= 1
        if (this.#depth > 0) continue
        const start = this.#start
        this.#at += 1
        this.#start = -1
        return {start, end: this.#at}
      }
    }
    return undefined
  }
}
