import type {JsonValue} from '../source.ts'
import {isExactNumber, parseExactly} from './exact-json.ts'
import {decimalOf} from './json-text.ts'

/** A value that is there, is not, or is another one. */
export interface JsonChange {
  readonly op: 'add' | 'remove' | 'replace'
  /** The names of members and the indexes that lead to it. */
  readonly path: readonly string[]
  readonly from?: JsonValue
  readonly to?: JsonValue
}

/** Tells whether two texts are one JSON value: the order of members and the spelling of texts and numbers mean nothing. */
export function isSameJson(one: string, other: string): boolean {
  return one === other || changesOf(one, other).next().done === true
}

/**
 * Finds what makes the second of two JSON texts another value than the first, in the order of the second one's members. Where a
 * name stands several times in an object the last one counts. Throws a SyntaxError, which quotes the text, for what is no JSON.
 */
export function* changesOf(from: string, to: string): Generator<JsonChange> {
  // Keeps a stack of its own, because values may be nested deeply.
  const open: Compared[] = [{path: undefined, from: parseExactly(from), to: parseExactly(to)}]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const {from: former, to: latter, path} = place
    if (former === undefined) yield {op: 'add', path: segmentsTo(path), to: latter as JsonValue}
    else if (latter === undefined) yield {op: 'remove', path: segmentsTo(path), from: former}
    else if (isHolder(former) && isHolder(latter) && Array.isArray(former) === Array.isArray(latter)) {
      open.push(...membersOf(former, latter, path).toReversed())
    } else if (!isSameScalar(former, latter)) yield {op: 'replace', path: segmentsTo(path), from: former, to: latter}
  }
}

/** A path begins with the innermost name, so that none is written that nobody asks for. */
interface Path {
  readonly name: string
  readonly within: Path | undefined
}

interface Compared {
  readonly path: Path | undefined
  readonly from: JsonValue | undefined
  readonly to: JsonValue | undefined
}

type Holder = readonly JsonValue[] | Readonly<Record<string, JsonValue>>

function membersOf(from: Holder, to: Holder, within: Path | undefined): Compared[] {
  const names = Object.keys(to)
  for (const name of Object.keys(from)) if (!Object.hasOwn(to, name)) names.push(name)
  const members: Compared[] = []
  for (const name of names) {
    const [former, latter] = [memberOf(from, name), memberOf(to, name)]
    if (former !== latter) members.push({path: {name, within}, from: former, to: latter})
  }
  return members
}

const memberOf = (holder: Holder, name: string): JsonValue | undefined =>
  Object.hasOwn(holder, name) ? (holder as Readonly<Record<string, JsonValue>>)[name] : undefined

const isHolder = (value: JsonValue): value is Holder =>
  typeof value === 'object' && value !== null && !isExactNumber(value)

function isSameScalar(one: JsonValue, other: JsonValue): boolean {
  if (one === other) return true
  const [number, otherNumber] = [numberText(one), numberText(other)]
  return number !== undefined && otherNumber !== undefined && decimalOf(number) === decimalOf(otherNumber)
}

const numberText = (value: JsonValue): string | undefined =>
  typeof value === 'number' || isExactNumber(value) ? JSON.stringify(value) : undefined

function segmentsTo(path: Path | undefined): readonly string[] {
  const segments: string[] = []
  for (let place = path; place !== undefined; place = place.within) segments.push(place.name)
  return segments.toReversed()
}
