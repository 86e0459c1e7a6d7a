import type {JsonValue} from '../source.ts'

interface ReviverContext {
  /** The number as it was written. */
  readonly source?: string
}

/** ECMAScript has them since 2025, Node since 21; TypeScript's library does not know them yet. */
const exact = JSON as unknown as {
  rawJSON?: (text: string) => unknown
  parse(text: string, reviver: (name: string, value: unknown, context?: ReviverContext) => unknown): JsonValue
}

// Fifteen significant digits survive in a double; looking for more first spares most texts the slow way. Digits of a
// string (an id, base64) do not stand behind a bracket, colon or comma.
export const MANY_DIGITS = /(?:^|[[:,])\s*-?(?:[\d.]{16}|[\d.]+[eE])/

/** Parses JSON; a number that a double cannot hold keeps its digits when it is written again. */
export function parseExactly(text: string): JsonValue {
  const {rawJSON} = exact
  if (rawJSON === undefined || !MANY_DIGITS.test(text)) return JSON.parse(text) as JsonValue
  return exact.parse(text, (_name, value, context) =>
    typeof value === 'number' && context?.source !== undefined && !holds(value, context.source)
      ? rawJSON(context.source)
      : value,
  )
}

/** Below this a double has fewer than fifteen digits. */
const SMALLEST_PRECISE = 2.2250738585072014e-308

function holds(value: number, source: string): boolean {
  const written = source.replace(/[eE].*$/, '')
  const digits = written.replaceAll(/[-.]/g, '').replace(/^0+/, '').replace(/0+$/, '')
  const outOfRange = !Number.isFinite(value) || (Math.abs(value) < SMALLEST_PRECISE && digits !== '')
  if (outOfRange) return false
  return digits.length <= 15 || (written === source && !source.includes('.') && Number.isSafeInteger(value))
}
