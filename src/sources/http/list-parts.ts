import type {JsonValue} from '../../source.ts'

/** The place of a list in the bytes of a JSON object. */
export interface ListPlace {
  /** Index of the byte behind its opening bracket. */
  readonly start: number
  /** Index of its closing bracket. */
  readonly end: number
  /** Indexes of commas between elements; each ends a part. */
  readonly cuts: readonly number[]
}

const PART_BYTES = 256 * 1024
const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]

/**
 * Finds the list that is the value of `member`; `undefined` where there is none. Looks at nothing but texts and brackets:
 * whether the rest is JSON shows when it is parsed.
 */
export function findList(bytes: Uint8Array, member: string): ListPlace | undefined {
  const name = new TextEncoder().encode(`"${member}"`)
  const cuts: number[] = []
  let depth = 0
  let start = -1
  let partStart = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = endOfText(bytes, at)
      const bracket = depth === 1 && start < 0 && equals(bytes, at, name) ? listAfter(bytes, end + 1) : undefined
      if (bracket !== undefined) {
        depth = 2
        start = partStart = bracket + 1
      }
      at = bracket ?? end
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1
      if (depth === 1 && start >= 0) return {start, end: at, cuts}
    } else if (byte === COMMA && depth === 2 && start >= 0 && at - partStart >= PART_BYTES) {
      cuts.push(at)
      partStart = at + 1
    }
  }
  return undefined
}

/** Parses the list's elements part by part; the bytes are gone then. */
export function* partsOf(
  bytes: Uint8Array<ArrayBuffer>,
  {start, end, cuts}: ListPlace,
  parse: (part: Uint8Array) => readonly JsonValue[],
): Generator<readonly JsonValue[], void> {
  try {
    let from = start
    for (const cut of [...cuts, end]) {
      yield parse(bytes.subarray(from, cut))
      from = cut + 1
    }
  } finally {
    free(bytes)
  }
}

/** Frees the memory without the garbage collector, which counts little of what is outside of its heap. */
export function free({buffer}: Uint8Array<ArrayBuffer>): void {
  buffer.transfer(0)
}

function endOfText(bytes: Uint8Array, quote: number): number {
  let at = quote + 1
  for (; at < bytes.length && bytes[at] !== QUOTE; at += 1) if (bytes[at] === BACKSLASH) at += 1
  return at
}

function equals(bytes: Uint8Array, at: number, text: Uint8Array): boolean {
  return text.every((byte, index) => bytes[at + index] === byte)
}

/** Finds where a list begins that is the value of the name which ends before `at`. */
function listAfter(bytes: Uint8Array, at: number): number | undefined {
  const colon = afterSpace(bytes, at)
  if (bytes[colon] !== COLON) return undefined
  const value = afterSpace(bytes, colon + 1)
  return bytes[value] === OPEN_LIST ? value : undefined
}

function afterSpace(bytes: Uint8Array, start: number): number {
  let at = start
  while (bytes[at] === 0x20 || bytes[at] === 0x0a || bytes[at] === 0x0d || bytes[at] === 0x09) at += 1
  return at
}
