const UTF8_MARK = Buffer.from([0xef, 0xbb, 0xbf])
const LINE_FEED = 0x0a

/** Shows the bytes of a file that are read and not yet made use of. */
export class ByteWindow {
  readonly #chunks: AsyncGenerator<Buffer, void>
  #bytes: Buffer = Buffer.alloc(0)
  #at: number
  #ended = false

  /** `at` is the place of the first byte that comes. */
  constructor(chunks: AsyncGenerator<Buffer, void>, at: number) {
    this.#chunks = chunks
    this.#at = at
  }

  get bytes(): Buffer {
    return this.#bytes
  }

  /** The place of the first byte that is shown. */
  get at(): number {
    return this.#at
  }

  /** Whether nothing comes behind what is shown. */
  get ended(): boolean {
    return this.#ended
  }

  /** Index behind the last line feed that is shown, or behind all where nothing more comes. */
  get wholeLines(): number {
    return this.#ended ? this.#bytes.length : this.#bytes.lastIndexOf(LINE_FEED) + 1
  }

  async more(): Promise<void> {
    const step = await this.#chunks.next()
    if (step.done === true) {
      this.#ended = true
      return
    }
    const isFirst = this.#at === 0 && this.#bytes.length === 0
    this.#bytes = this.#bytes.length === 0 ? step.value : Buffer.concat([this.#bytes, step.value])
    if (isFirst && this.#bytes.subarray(0, UTF8_MARK.length).equals(UTF8_MARK)) this.drop(UTF8_MARK.length)
  }

  drop(count: number): void {
    this.#bytes = this.#bytes.subarray(count)
    this.#at += count
  }

  async close(): Promise<void> {
    await this.#chunks.return()
  }
}
