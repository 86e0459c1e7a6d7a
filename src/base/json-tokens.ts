const QUOTE = 0x22
const [MINUS, ZERO, NINE] = [0x2d, 0x30, 0x39]
const NUMBER = /-?\d[\d.eE+-]*/y

export interface TokenPlace {
  readonly start: number
  readonly end: number
}

/** Gives where the text that begins at `start` ends; -1 where it does not. */
export function endOfText(json: string, start: number): number {
  for (let end = json.indexOf('"', start + 1); end >= 0; end = json.indexOf('"', end + 1)) {
    let backslashes = 0
    while (json[end - 1 - backslashes] === '\\') backslashes += 1
    if (backslashes % 2 === 0) return end
  }
  return -1
}

/** Finds the next number that is not within a text; `undefined` where there is none. */
export function nextNumber(json: string, from: number): TokenPlace | undefined {
  for (let at = from; at < json.length; at += 1) {
    const code = json.charCodeAt(at)
    if (code === QUOTE) {
      at = endOfText(json, at)
      if (at < 0) return undefined
    } else if (code === MINUS || (code >= ZERO && code <= NINE)) {
      NUMBER.lastIndex = at
      const number = NUMBER.exec(json)?.[0]
      if (number !== undefined) return {start: at, end: at + number.length}
    }
  }
  return undefined
}
