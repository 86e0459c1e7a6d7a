import {createHash} from 'node:crypto'
import type {FileHandle} from 'node:fs/promises'

import {CHUNK_BYTES} from './chunk-bytes.ts'

/** Digests a file from its beginning on, whatever parts of it are read again. */
export class RunningDigest {
  readonly #hash = createHash('sha256')
  #length = 0

  /** Bytes from the beginning that are in the digest. */
  get length(): number {
    return this.#length
  }

  /** Takes what is new of a chunk that stands at this place of the file. */
  add(chunk: Uint8Array, at: number): void {
    const known = this.#length - at
    if (known < 0) throw new Error('bytes of the file were passed over')
    if (known >= chunk.length) return
    this.#hash.update(chunk.subarray(known))
    this.#length = at + chunk.length
  }

  async readTo(file: FileHandle, length: number, signal: AbortSignal): Promise<void> {
    const buffer = Buffer.allocUnsafe(CHUNK_BYTES)
    while (this.#length < length) {
      signal.throwIfAborted()
      const wanted = Math.min(buffer.length, length - this.#length)
      const {bytesRead} = await file.read(buffer, 0, wanted, this.#length)
      if (bytesRead === 0) throw new Error('it became shorter while it was read. Run the same command again')
      this.add(buffer.subarray(0, bytesRead), this.#length)
    }
  }

  digest(): string {
    return this.#hash.copy().digest().subarray(0, 18).toString('base64url')
  }
}
