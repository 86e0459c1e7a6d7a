import {isUtf8} from 'node:buffer'

const KEEPING_MARKS = new TextDecoder('utf-8', {fatal: true, ignoreBOM: true})
/** The first of the halves of characters that stand for bytes. */
const HALF = 0xdc00

/**
 * Makes UTF-8 of an answer whose Content-Type states another charset. JSON is UTF-8 whatever is stated, so what is
 * well-formed stays as it is. Throws where nobody knows the charset.
 */
export function toUtf8(bytes: Buffer<ArrayBuffer>, contentType: string | null): Buffer<ArrayBuffer> {
  const charset = /;\s*charset\s*=\s*"?([^\s";]+)/i.exec(contentType ?? '')?.[1]?.toLowerCase()
  if (charset === undefined || /^(utf-?8|us-ascii)$/.test(charset)) return bytes
  if (!/^utf-?(16|32)/.test(charset) && isUtf8(bytes)) return bytes
  // In memory of its own, as the bytes are.
  const encoded = new TextEncoder().encode(decoderOf(charset).decode(bytes))
  return Buffer.from(encoded.buffer, 0, encoded.byteLength)
}

function decoderOf(charset: string) {
  try {
    return new TextDecoder(charset, {fatal: true})
  } catch (error) {
    throw new Error(`the charset ${JSON.stringify(charset.slice(0, 40))} is not known`, {cause: error})
  }
}

/**
 * Decodes UTF-8. A byte that belongs to no character becomes half of one, U+DC80 to U+DCFF, as which no warehouse takes it: the
 * record that it is in is a reject, wherever the source puts the text, and the others of its page are not.
 */
export function decodeUtf8(bytes: Uint8Array): string {
  if (isUtf8(bytes)) return KEEPING_MARKS.decode(bytes)
  const parts: string[] = []
  let start = 0
  for (let at = 0; at < bytes.length;) {
    const length = lengthOfCharacter(bytes, at)
    at += Math.max(1, length)
    if (length > 0) continue
    parts.push(KEEPING_MARKS.decode(bytes.subarray(start, at - 1)), String.fromCharCode(HALF + (bytes[at - 1] ?? 0)))
    start = at
  }
  return [...parts, KEEPING_MARKS.decode(bytes.subarray(start))].join('')
}

/** Counts the bytes of the character that begins there; 0 where none does. */
function lengthOfCharacter(bytes: Uint8Array, at: number): number {
  const first = bytes[at] ?? 0
  if (first < 0x80) return 1
  const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
  return isUtf8(bytes.subarray(at, at + length)) ? length : 0
}
