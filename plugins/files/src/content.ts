import type {FileHandle} from 'node:fs/promises'
import {Readable} from 'node:stream'
import {TextDecoder} from 'node:util'
import {createGunzip, createZstdDecompress, type Gunzip, type ZstdDecompress} from 'node:zlib'

import {CHUNK_BYTES} from './chunk-bytes.ts'
import type {RunningDigest} from './digest.ts'

const GZIP = Buffer.from([0x1f, 0x8b])
const ZSTD = Buffer.from([0x28, 0xb5, 0x2f, 0xfd])
const BYTE_ORDER_MARKS = [
  [Buffer.from([0xff, 0xfe]), 'utf-16le'],
  [Buffer.from([0xfe, 0xff]), 'utf-16be'],
  [Buffer.from([0xef, 0xbb, 0xbf]), 'utf-8'],
] as const

/** What a file holds breaks off, or cannot be unpacked or decoded. */
export class DamagedContent extends Error {}

type Unpacking = Gunzip | ZstdDecompress

interface Settings {
  /** Bytes of the file, so that what is written meanwhile is left for the next run. */
  readonly size: number
  readonly digest: RunningDigest
  /** Name of the encoding of text without a byte order mark. */
  readonly encoding: string
  readonly signal: AbortSignal
}

/** Gives the content of a file: unpacked, and text as UTF-8. Places are counted in what it gives. */
export class Content {
  readonly #file: FileHandle
  readonly #settings: Settings

  constructor(file: FileHandle, settings: Settings) {
    this.#file = file
    this.#settings = settings
  }

  /** Tells whether the file ends where its content does: a packed one says by itself that it is whole. */
  async isPacked(): Promise<boolean> {
    return packingOf(await this.#head()) !== undefined
  }

  /** Reads from this place on. Everything before it is read as well where it cannot be passed over. */
  async *from(place: number): AsyncGenerator<Buffer, void> {
    const head = await this.#head()
    const unpack = packingOf(head)
    if (unpack === undefined && encodingOf(head, this.#settings.encoding) === 'utf-8') yield* this.#raw(place)
    else if (unpack === undefined) yield* behind(asUtf8(this.#raw(0), this.#settings.encoding), place)
    else yield* behind(asUtf8(this.#unpacked(unpack), this.#settings.encoding), place)
  }

  /** Node's zstd may end with the first of several frames; what it did not take is given to another one. */
  async *#unpacked(unpack: () => Unpacking): AsyncGenerator<Buffer, void> {
    for (let at = 0; at < this.#settings.size;) {
      const unpacking = unpack()
      yield* unpacked(this.#raw(at), unpacking)
      if (unpack === createGunzip) return
      at += unpacking.bytesWritten
    }
  }

  async #head(): Promise<Buffer> {
    const head = Buffer.alloc(4)
    const {bytesRead} = await this.#file.read(head, 0, head.length, 0)
    return head.subarray(0, bytesRead)
  }

  async *#raw(start: number): AsyncGenerator<Buffer, void> {
    const {size, digest, signal} = this.#settings
    for (let at = start; at < size;) {
      signal.throwIfAborted()
      const buffer = Buffer.allocUnsafe(Math.min(CHUNK_BYTES, size - at))
      const {bytesRead} = await this.#file.read(buffer, 0, buffer.length, at)
      if (bytesRead === 0) throw new Error('it became shorter while it was read. Run the same command again')
      const chunk = buffer.subarray(0, bytesRead)
      digest.add(chunk, at)
      at += bytesRead
      yield chunk
    }
  }
}

const startsWith = (bytes: Uint8Array, start: Uint8Array): boolean =>
  start.every((byte, index) => bytes[index] === byte)

function packingOf(head: Uint8Array): (() => Unpacking) | undefined {
  if (startsWith(head, GZIP)) return createGunzip
  return startsWith(head, ZSTD) ? createZstdDecompress : undefined
}

const encodingOf = (head: Uint8Array, otherwise: string): string =>
  BYTE_ORDER_MARKS.find(([mark]) => startsWith(head, mark))?.[1] ?? new TextDecoder(otherwise).encoding

async function* unpacked(packed: AsyncGenerator<Buffer, void>, unpacking: Unpacking): AsyncGenerator<Buffer, void> {
  const input = Readable.from(packed)
  // What goes wrong with the file itself is told by the stream that is read.
  input.on('error', (error) => unpacking.destroy(error))
  input.pipe(unpacking)
  try {
    for await (const chunk of unpacking) yield chunk as Buffer
  } catch (error) {
    const {code = ''} = error as {readonly code?: string}
    if (!/^(?:Z_|ZSTD_|ERR_ZLIB)/.test(code)) throw error
    throw new DamagedContent('the packed data break off here, or are damaged', {cause: error})
  } finally {
    input.destroy()
    unpacking.destroy()
  }
}

async function* asUtf8(bytes: AsyncGenerator<Buffer, void>, otherwise: string): AsyncGenerator<Buffer, void> {
  let decoder: TextDecoder | undefined
  let plain = false
  for await (const chunk of bytes) {
    if (decoder === undefined && !plain) {
      const encoding = encodingOf(chunk, otherwise)
      plain = encoding === 'utf-8'
      if (!plain) decoder = new TextDecoder(encoding, {fatal: true})
    }
    if (decoder === undefined) yield chunk
    else yield Buffer.from(decoded(decoder, chunk))
  }
  if (decoder !== undefined) yield Buffer.from(decoded(decoder))
}

function decoded(decoder: TextDecoder, chunk?: Uint8Array): string {
  try {
    return chunk === undefined ? decoder.decode() : decoder.decode(chunk, {stream: true})
  } catch (error) {
    throw new DamagedContent(`it is no ${decoder.encoding} from here on`, {cause: error})
  }
}

async function* behind(bytes: AsyncGenerator<Buffer, void>, place: number): AsyncGenerator<Buffer, void> {
  let before = place
  for await (const chunk of bytes) {
    if (before < chunk.length) yield chunk.subarray(before)
    before = Math.max(0, before - chunk.length)
  }
}
