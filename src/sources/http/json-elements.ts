/** What the bytes of one element of a list tell without parsing it. */
export interface ElementPlace {
  readonly start: number
  readonly end: number
  /** Names in all of its objects, each as often as it is written. */
  readonly members: number
  /** Lists and objects within each other. */
  readonly levels: number
  /** A number in it has many digits or an exponent. */
  readonly manyDigits: boolean
  /** There is space between its tokens. */
  readonly spaced: boolean
}

/** The place of a list in the bytes of a JSON object. */
export interface ListPlace {
  /** Index of the byte behind its opening bracket. */
  readonly start: number
  /** Index of its closing bracket. */
  readonly end: number
  readonly elements: readonly ElementPlace[]
}

const [QUOTE, BACKSLASH, COMMA, COLON] = [0x22, 0x5c, 0x2c, 0x3a]
const [OPEN_LIST, CLOSE_LIST, OPEN_OBJECT, CLOSE_OBJECT] = [0x5b, 0x5d, 0x7b, 0x7d]
const [MINUS, DOT, ZERO, NINE, CAPITAL_E, SMALL_E] = [0x2d, 0x2e, 0x30, 0x39, 0x45, 0x65]
const SPACE = 0x20
const BYTE_ORDER_MARK = new Uint8Array([0xef, 0xbb, 0xbf])
/** A text that is longer is searched by the machine's own means, which take a while to begin. */
const SHORT_TEXT = 64
/** A double keeps so many digits of any number. */
const SURE_DIGITS = 15

/** The name that stands for the list which an answer is itself. */
export const WHOLE_ANSWER = ''

/**
 * Finds the list that is the value of `member`, or all there is; `undefined` where there is none. Looks at nothing but texts, brackets and
 * digits: whether the rest is JSON shows when it is parsed.
 */
export function findList(bytes: Uint8Array, member: string): ListPlace | undefined {
  if (member === WHOLE_ANSWER) {
    const first = afterSpace(bytes, equals(bytes, 0, BYTE_ORDER_MARK) ? BYTE_ORDER_MARK.length : 0)
    return bytes[first] === OPEN_LIST ? elementsFrom(bytes, first + 1) : undefined
  }
  const name = new TextEncoder().encode(`"${member}"`)
  let depth = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at]
    if (byte === QUOTE) {
      const end = endOfText(bytes, at)
      const bracket = depth === 1 && equals(bytes, at, name) ? listAfter(bytes, end + 1) : undefined
      if (bracket !== undefined) return elementsFrom(bytes, bracket + 1)
      at = end
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1
    } else if (byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      depth -= 1
    }
  }
  return undefined
}

/** Reads a list from behind its opening bracket to its closing one; `undefined` where it does not end. */
function elementsFrom(bytes: Uint8Array, listStart: number): ListPlace | undefined {
  const elements: ElementPlace[] = []
  let [start, depth, levels, members] = [listStart, 0, 0, 0]
  let [manyDigits, spaced] = [false, false]
  for (let at = listStart; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    if (byte === QUOTE) {
      at = endOfText(bytes, at)
    } else if (byte === COLON) {
      members += 1
    } else if (byte === OPEN_LIST || byte === OPEN_OBJECT) {
      depth += 1
      if (depth > levels) levels = depth
    } else if (byte === COMMA || byte === CLOSE_LIST || byte === CLOSE_OBJECT) {
      const ends = depth === 0
      if (byte !== COMMA) depth -= 1
      if (ends) {
        elements.push({start, end: at, members, levels, manyDigits, spaced})
        if (byte !== COMMA) return {start: listStart, end: at, elements}
        start = at + 1
        levels = members = 0
        manyDigits = spaced = false
      }
    } else if (byte <= SPACE) {
      spaced = true
    } else if (byte === MINUS || (byte >= ZERO && byte <= NINE)) {
      const end = endOfNumber(bytes, at)
      if (end - at > SURE_DIGITS || isExponent(bytes[end])) manyDigits = true
      at = end - 1
    }
  }
  return undefined
}

/** Copies JSON without the space between its tokens. */
export function withoutSpace(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(bytes.length)
  let length = 0
  for (let at = 0; at < bytes.length; at += 1) {
    const byte = bytes[at] as number
    if (byte <= SPACE) continue
    const end = byte === QUOTE ? endOfText(bytes, at) : at
    copy.set(bytes.subarray(at, end + 1), length)
    length += end + 1 - at
    at = end
  }
  return copy.subarray(0, length)
}

function endOfText(bytes: Uint8Array, quote: number): number {
  const short = Math.min(bytes.length, quote + SHORT_TEXT)
  let at = quote + 1
  for (; at < short && bytes[at] !== QUOTE; at += 1) if (bytes[at] === BACKSLASH) at += 1
  if (at < short) return at
  for (let end = bytes.indexOf(QUOTE, at); end >= 0; end = bytes.indexOf(QUOTE, end + 1)) {
    let backslashes = 0
    while (end - 1 - backslashes >= at && bytes[end - 1 - backslashes] === BACKSLASH) backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return bytes.length
}

/** A sign, digits and a dot are all that counts; what follows an exponent is no matter. */
function endOfNumber(bytes: Uint8Array, start: number): number {
  let at = start + 1
  for (let byte = bytes[at]; byte !== undefined; byte = bytes[at]) {
    if ((byte < ZERO || byte > NINE) && byte !== DOT) break
    at += 1
  }
  return at
}

const isExponent = (byte: number | undefined): boolean => byte === SMALL_E || byte === CAPITAL_E

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
