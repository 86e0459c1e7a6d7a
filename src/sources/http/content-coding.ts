import {once} from 'node:events'
import {pipeline, type Readable, type Transform} from 'node:stream'
import {createBrotliDecompress, createGunzip, createInflate, createInflateRaw} from 'node:zlib'

/** The method of compression in the first byte of zlib's frame, which some servers leave out of `deflate`. */
const ZLIB = 8
const METHOD = 0x0f

/** Codings of RFC 9110, in whose eyes `x-gzip` is `gzip`, and the one of RFC 7932, each by the first byte that it unpacks. */
const DECODERS: Readonly<Record<string, (first: number) => Transform>> = {
  gzip: () => createGunzip(),
  'x-gzip': () => createGunzip(),
  br: () => createBrotliDecompress(),
  deflate: (first) => ((first & METHOD) === ZLIB ? createInflate() : createInflateRaw()),
}

/** Unpacks an answer by its Content-Encoding, the last coding first. Throws for one that is not known. */
export async function unpacked(body: Readable, contentEncoding: string, signal: AbortSignal): Promise<Readable> {
  const codings = contentEncoding
    .split(',')
    .map((coding) => coding.trim().toLowerCase())
    .filter((coding) => coding !== '' && coding !== 'identity')
  let unpacking = body
  for (const coding of codings.toReversed()) {
    const decoderFor = Object.hasOwn(DECODERS, coding) ? DECODERS[coding] : undefined
    if (decoderFor === undefined) {
      body.destroy()
      throw new Error(`the answer is packed as ${JSON.stringify(coding)}, which was not asked for and is not known`)
    }
    const first = await firstByte(unpacking, signal)
    // Nothing is no packed nothing.
    if (first === undefined) return unpacking
    unpacking = pipeline(unpacking, decoderFor(first), () => undefined)
  }
  return unpacking
}

async function firstByte(stream: Readable, signal: AbortSignal): Promise<number | undefined> {
  if (stream.readableLength === 0 && !stream.readableEnded) await once(stream, 'readable', {signal})
  const chunk = stream.read() as Uint8Array | null
  if (chunk === null) return undefined
  stream.unshift(chunk)
  return chunk[0]
}
