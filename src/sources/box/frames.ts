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

/** A record on its way across the wall: its columns as one text, and its payload as it came. */
export interface FramedRecord {
  readonly head: string
  readonly json: Uint8Array
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
  #kind: FrameKind | undefined;

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

/** The context and the number of records come before them; each one begins with the lengths of its head and of its payload. */
const BODY_HEADER_BYTES = 8
const LENGTHS_BYTES = 8

/** Puts the records of a context into as few frames as may be: all lengths, then all heads, then all payloads. */
export function* encodeRecords(context: number, records: Iterable<FramedRecord>): Generator<Buffer> {
  let some: FramedRecord[] = []
  let bytes = 0
  for (const record of records) {
    const more = LENGTHS_BYTES + Buffer.byteLength(record.head) + record.json.length
    if (bytes > 0 && bytes + more > RECORDS_FRAME_BYTES) {
      yield bodyOf(context, some, bytes)
      some = []
      bytes = 0
    }
    some.push(record)
    bytes += more
  }
  if (bytes > 0) yield bodyOf(context, some, bytes)
}

function bodyOf(context: number, records: readonly FramedRecord[], bytes: number): Buffer {
  const body = Buffer.allocUnsafe(BODY_HEADER_BYTES + bytes)
  let lengthsAt = body.writeUInt32LE(context, 0)
  lengthsAt = body.writeUInt32LE(records.length, lengthsAt)
  let at = lengthsAt + LENGTHS_BYTES * records.length
  for (const {head, json} of records) {
    const headBytes = body.write(head, at)
    at += headBytes
    lengthsAt = body.writeUInt32LE(headBytes, lengthsAt)
    lengthsAt = body.writeUInt32LE(json.length, lengthsAt)
  }
  for (const {json} of records) {
    body.set(json, at)
    at += json.length
  }
  return body
}

/** JSON on one line holds none of them; they would end a line, a column or a text. */
const ENDS = [0x00, 0x0a, 0x0d, 0x1f]

/** Throws where the body is not exactly records of well-formed UTF-8. The payloads are views of the body. */
export function decodeRecords(body: Buffer): {readonly context: number; readonly records: readonly FramedRecord[]} {
  if (body.length < BODY_HEADER_BYTES) throw new Error('a records frame ends before its records')
  const context = body.readUInt32LE(0)
  const count = body.readUInt32LE(4)
  const headsAt = BODY_HEADER_BYTES + LENGTHS_BYTES * count
  if (headsAt > body.length) throw new Error('a records frame ends within its lengths')
  let jsonAt = headsAt
  for (let lengths = BODY_HEADER_BYTES; lengths < headsAt; lengths += LENGTHS_BYTES)
    jsonAt += body.readUInt32LE(lengths)
  if (jsonAt > body.length) throw new Error('a records frame ends within a record')
  if (!isUtf8(body.subarray(headsAt))) throw new Error('a frame holds bytes that are not UTF-8')
  const payloads = body.subarray(jsonAt)
  if (ENDS.some((byte) => payloads.includes(byte))) throw new Error('a payload holds what ends a line or a column')
  const records: FramedRecord[] = []
  let headAt = headsAt
  for (let lengths = BODY_HEADER_BYTES; lengths < headsAt; lengths += LENGTHS_BYTES) {
    const headEnd = headAt + body.readUInt32LE(lengths)
    const jsonEnd = jsonAt + body.readUInt32LE(lengths + 4)
    if (jsonEnd > body.length) throw new Error('a records frame ends within a record')
    records.push({head: body.toString('utf8', headAt, headEnd), json: body.subarray(jsonAt, jsonEnd)})
    headAt = headEnd
    jsonAt = jsonEnd
  }
  if (jsonAt !== body.length) throw new Error('a records frame goes on after its records')
  return {context, records}
}

export function textOf(bytes: Uint8Array): string {
  if (!isUtf8(bytes)) throw new Error('a frame holds bytes that are not UTF-8')
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
