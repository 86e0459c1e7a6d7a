import {isUtf8} from 'node:buffer'

/**
 * All that crosses the wall of a box is frames: four bytes of length (little endian), one of kind, then the body. A control
 * frame is a message as JSON; a records frame holds records that are ready to be spooled.
 */
export const FRAME_KINDS = {control: 0, records: 1} as const
export type FrameKind = keyof typeof FRAME_KINDS

const HEADER_BYTES = 5
/** A page of records comes in several frames; only a record that is larger makes a frame that is longer than this. */
export const RECORDS_FRAME_BYTES = 1024 * 1024
const LONGEST: Readonly<Record<FrameKind, number>> = {
  control: 64 * 1024 * 1024,
  // One record of the longest text that JavaScript can hold.
  records: 600 * 1024 * 1024,
}

export interface Frame {
  readonly kind: FrameKind
  readonly body: Buffer
}

/** A record on its way across the wall: its columns as JSON text, and its payload as it came. */
export interface FramedRecord {
  readonly head: string
  readonly json: string
}

export function encodeFrame(kind: FrameKind, body: Buffer): readonly [Buffer, Buffer] {
  const header = Buffer.allocUnsafe(HEADER_BYTES)
  header.writeUInt32LE(body.length, 0)
  header.writeUInt8(FRAME_KINDS[kind], 4)
  return [header, body]
}

/** Takes bytes as they come and gives the frames in them. Throws for what is no frame; nothing after that can be read. */
export class FrameReader {
  readonly #chunks: Buffer[] = []
  #bytes = 0
  #wanted = HEADER_BYTES
  #kind: FrameKind | undefined

  /** Tells whether the bytes so far end within a frame. */
  get isWithinFrame(): boolean {
    return this.#bytes > 0 || this.#kind !== undefined
  }

  *push(chunk: Buffer): Generator<Frame> {
    this.#chunks.push(chunk)
    this.#bytes += chunk.length
    while (this.#bytes >= this.#wanted) {
      const part = this.#take(this.#wanted)
      if (this.#kind === undefined) {
        this.#kind = kindOf(part.readUInt8(4))
        this.#wanted = part.readUInt32LE(0)
        if (this.#wanted > LONGEST[this.#kind])
          throw new Error(`a ${this.#kind} frame of ${this.#wanted} bytes is longer than any may be`)
      } else {
        const kind = this.#kind
        this.#kind = undefined
        this.#wanted = HEADER_BYTES
        yield {kind, body: part}
      }
    }
  }

  #take(bytes: number): Buffer {
    const [first] = this.#chunks
    this.#bytes -= bytes
    if (first !== undefined && first.length >= bytes) {
      if (first.length === bytes) this.#chunks.shift()
      else this.#chunks[0] = first.subarray(bytes)
      return first.subarray(0, bytes)
    }
    const whole = this.#chunks.length === 0 ? Buffer.alloc(0) : Buffer.concat(this.#chunks)
    this.#chunks.splice(0)
    if (whole.length > bytes) this.#chunks.push(whole.subarray(bytes))
    return whole.subarray(0, bytes)
  }
}

function kindOf(code: number): FrameKind {
  if (code === FRAME_KINDS.control) return 'control'
  if (code === FRAME_KINDS.records) return 'records'
  throw new Error(`there is no kind of frame ${code}`)
}

/** Puts the records of a context into as few frames as may be; each record is the length of head and payload, then both. */
export function* encodeRecords(context: number, records: Iterable<FramedRecord>): Generator<Buffer> {
  let parts: {record: FramedRecord; headBytes: number; jsonBytes: number}[] = []
  let bytes = 0
  for (const record of records) {
    const headBytes = Buffer.byteLength(record.head)
    const jsonBytes = Buffer.byteLength(record.json)
    const more = 8 + headBytes + jsonBytes
    if (bytes > 0 && bytes + more > RECORDS_FRAME_BYTES) {
      yield bodyOf(context, parts, bytes)
      parts = []
      bytes = 0
    }
    parts.push({record, headBytes, jsonBytes})
    bytes += more
  }
  if (bytes > 0) yield bodyOf(context, parts, bytes)
}

function bodyOf(
  context: number,
  parts: readonly {record: FramedRecord; headBytes: number; jsonBytes: number}[],
  bytes: number,
): Buffer {
  const body = Buffer.allocUnsafe(4 + bytes)
  let at = body.writeUInt32LE(context, 0)
  for (const {record, headBytes, jsonBytes} of parts) {
    at = body.writeUInt32LE(headBytes, at)
    at = body.writeUInt32LE(jsonBytes, at)
    at += body.write(record.head, at)
    at += body.write(record.json, at)
  }
  return body
}

/** Throws where the body is not exactly records of well-formed UTF-8. */
export function decodeRecords(body: Buffer): {readonly context: number; readonly records: readonly FramedRecord[]} {
  if (body.length < 4) throw new Error('a records frame ends before its records')
  const records: FramedRecord[] = []
  let at = 4
  while (at < body.length) {
    if (body.length - at < 8) throw new Error('a records frame ends within a record')
    const headEnd = at + 8 + body.readUInt32LE(at)
    const jsonEnd = headEnd + body.readUInt32LE(at + 4)
    if (jsonEnd > body.length) throw new Error('a records frame ends within a record')
    records.push({head: textOf(body.subarray(at + 8, headEnd)), json: textOf(body.subarray(headEnd, jsonEnd))})
    at = jsonEnd
  }
  return {context: body.readUInt32LE(0), records}
}

export function textOf(bytes: Buffer): string {
  if (!isUtf8(bytes)) throw new Error('a frame holds bytes that are not UTF-8')
  return bytes.toString('utf8')
}
