import {randomBytes} from 'node:crypto'

import type {JsonValue} from '../source.ts'
import {nextNumber} from './json-tokens.ts'

/** ECMAScript has them since 2025, Node since 21; TypeScript's library does not know them yet. */
const {rawJSON, isRawJSON} = JSON as unknown as {
  readonly rawJSON?: (text: string) => JsonValue
  readonly isRawJSON?: (value: unknown) => boolean
}

// Fifteen significant digits survive in a double; looking for more first spares most texts the slow way. Digits of a
// string (an id, base64) do not stand behind a bracket, colon or comma.
export const MANY_DIGITS = /(?:^|[[:,])\s*-?(?:[\d.]{16}|[\d.]+[eE])/

/** Begins a text that stands for a number while it is parsed. Nobody else can know it. */
const MARK = `${randomBytes(12).toString('hex')}:`
const NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/
/** What follows a value, and no name. */
const VALUE_ENDS = /[ \t\n\r]*(?:[,\]}]|$)/y

/** Parses JSON; a number that a double cannot hold keeps its digits when it is written again. */
export function parseExactly(text: string): JsonValue {
  if (rawJSON === undefined || !MANY_DIGITS.test(text)) return JSON.parse(text) as JsonValue
  // A reviver would be told the digits of each number, and takes six times as long (measured).
  const marked = withMarkedNumbers(text)
  const value = JSON.parse(marked ?? text) as JsonValue
  return marked === undefined ? value : withRawNumbers(value, rawJSON)
}

/** Tells whether this is a number that a double cannot hold: it looks like an object. */
export const isExactNumber = (value: unknown): boolean => isRawJSON?.(value) === true

/** Makes texts of the numbers that a double cannot hold; `undefined` where there is none. */
function withMarkedNumbers(text: string): string | undefined {
  let marked = ''
  let copied = 0
  for (let place = nextNumber(text, 0); place !== undefined; place = nextNumber(text, place.end)) {
    const {start, end} = place
    const number = text.slice(start, end)
    VALUE_ENDS.lastIndex = end
    // What is no JSON stays none.
    if (holds(number) || !NUMBER.test(number) || !VALUE_ENDS.test(text)) continue
    marked += `${text.slice(copied, start)}"${MARK}${number}"`
    copied = end
  }
  return copied === 0 ? undefined : marked + text.slice(copied)
}

/** Keeps a list of its own of what is open, because values may be nested deeply. */
function withRawNumbers(root: JsonValue, raw: (text: string) => JsonValue): JsonValue {
  const top: Record<string, JsonValue> = {root}
  const open: Record<string, JsonValue>[] = [top]
  for (let holder = open.pop(); holder !== undefined; holder = open.pop()) {
    for (const name of Object.keys(holder)) {
      const value = holder[name] as JsonValue
      if (typeof value === 'string') {
        if (value.startsWith(MARK)) holder[name] = raw(value.slice(MARK.length))
      } else if (typeof value === 'object' && value !== null) {
        open.push(value as Record<string, JsonValue>)
      }
    }
  }
  return top['root'] as JsonValue
}

/** Fewer characters hold no more digits than a double does. */
const SURE_CHARACTERS = 15
/** Below this a double has fewer than fifteen digits. */
const SMALLEST_PRECISE = 2.2250738585072014e-308

function holds(source: string): boolean {
  if (source.length <= SURE_CHARACTERS && !/[eE]/.test(source)) return true
  const value = Number(source)
  const written = source.replace(/[eE].*$/, '')
  const digits = written.replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
  const outOfRange = !Number.isFinite(value) || (Math.abs(value) < SMALLEST_PRECISE && digits !== '')
  if (outOfRange) return false
  return digits.length <= 15 || (written === source && !source.includes('.') && Number.isSafeInteger(value))
}
