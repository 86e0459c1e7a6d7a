import {MANY_DIGITS} from './exact-json.ts'
import {endOfText, nextNumber} from './json-tokens.ts'

/** The text that is written to a file or a warehouse, or why there is none, told without what is in the value. */
export type JsonText = {readonly text: string} | {readonly problem: string}

/**
 * Does what `JSON.stringify` does, but for what that hides: it makes `null` of NaN, of Infinity and of holes in lists, and
 * `{}` of a Map. Lone surrogates, which no warehouse can hold, are a problem as well. Members that are undefined are
 * left out, and `toJSON` is called.
 */
export function jsonText(value: unknown): JsonText {
  try {
    const text = JSON.stringify(value) as string | undefined
    // Most values are decided by these looks; where something is wrong is found out afterwards.
    const sure = text !== undefined && isPlain(value) && !text.includes('\\ud')
    const problem = sure ? undefined : firstProblem(value)
    if (problem !== undefined) return {problem}
    return text === undefined ? {problem: 'it is nothing that JSON can hold'} : {text}
  } catch (error) {
    return {problem: whyNot(error)}
  }
}

/** Counts lists and objects within each other; brackets within texts are none. */
export function isNestedDeeperThan(json: string, levels: number): boolean {
  // Each level takes two characters.
  if (json.length < 2 * levels) return false
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const character = json[at]
    if (character === '"') at = endOfText(json, at)
    else if (character === '[' || character === '{') depth += 1
    else if (character === ']' || character === '}') depth -= 1
    if (depth > levels) return true
  }
  return false
}

/**
 * Tells whether UTF-8 is the text of one object, as far as brackets and quotes say, so that within a longer one it stays one
 * member. What is within the brackets may still be no JSON.
 */
export function isOneObject(json: Uint8Array): boolean {
  if (json[0] !== OPENING_BRACE) return false
  let depth = 0
  for (let at = 0; at < json.length; at += 1) {
    const byte = json[at] as number
    if (byte === QUOTE) {
      for (at += 1; json[at] !== QUOTE; at += 1) {
        if (json[at] === BACKSLASH) at += 1
        if (at >= json.length || (json[at] as number) < SPACE) return false
      }
    } else if (byte === OPENING_BRACKET || byte === OPENING_BRACE) depth += 1
    else if (byte === CLOSING_BRACKET || byte === CLOSING_BRACE) {
      depth -= 1
      if (depth === 0) return at === json.length - 1
    } else if (byte < SPACE) return false
  }
  return false
}

const [QUOTE, BACKSLASH, SPACE] = [0x22, 0x5c, 0x20]
const [OPENING_BRACKET, OPENING_BRACE, CLOSING_BRACKET, CLOSING_BRACE] = [0x5b, 0x7b, 0x5d, 0x7d]

/** Tells whether one of the numbers is neither a 64-bit integer nor what a double is written as. Texts may only look so. */
export function holdsWideNumber(json: string): boolean {
  if (!MANY_DIGITS.test(json)) return false
  for (let place = nextNumber(json, 0); place !== undefined; place = nextNumber(json, place.end))
    if (isWide(json.slice(place.start, place.end))) return true
  return false
}

const LONGEST_INTEGER = '-9223372036854775808'.length

function isWide(number: string): boolean {
  if (/^-?\d+$/.test(number) && number.length <= LONGEST_INTEGER) {
    const integer = BigInt(number)
    if (BigInt.asIntN(64, integer) === integer || BigInt.asUintN(64, integer) === integer) return false
  }
  return decimalOf(number) !== decimalOf(String(Number(number)))
}

/** Writes all spellings of a number alike; `undefined` for what is none. */
export function decimalOf(number: string): string | undefined {
  const [, sign, whole = '', fraction = '', exponent = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(number) ?? []
  if (sign === undefined) return undefined
  const digits = `${whole}${fraction}`.replace(/^0+/, '')
  const significant = digits.replace(/0+$/, '')
  if (significant === '') return '0'
  return `${sign}${significant}e${Number(exponent) - fraction.length + digits.length - significant.length}`
}

function whyNot(error: unknown): string {
  if (error instanceof RangeError) return 'it is nested too deeply or too long to be written as JSON'
  if (error instanceof TypeError && error.message.includes('circular')) return 'it is not JSON: it holds itself'
  return `it is not JSON: ${error instanceof Error ? error.message : 'it cannot be read'}`
}

/** Tells whether JSON knows all that is in it; texts are not looked into. */
function isPlain(root: unknown): boolean {
  const open: unknown[] = [root]
  const isPlainMember = (member: unknown): boolean => {
    if (typeof member === 'string' || typeof member === 'boolean' || member === null) return true
    if (typeof member === 'number') return Number.isFinite(member)
    if (typeof member !== 'object') return false
    open.push(member)
    return true
  }
  while (open.length > 0) {
    const value = open.pop()
    if (Array.isArray(value)) {
      for (let index = 0; index < value.length; index += 1) if (!isPlainMember(value[index])) return false
    } else if (isPlainObject(value)) {
      for (const member of Object.values(value)) if (member !== undefined && !isPlainMember(member)) return false
    } else if (typeof value === 'object' || !isPlainMember(value)) {
      return false
    }
  }
  return true
}

function isPlainObject(value: unknown): value is object {
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

interface Place {
  readonly value: unknown
  /** Member names and indexes, from the root `$` on. */
  readonly path: string
  /** `toJSON` gave it, and is not asked again. */
  readonly converted?: true
}

/** Keeps a stack of its own, because values may be nested deeply. */
function firstProblem(root: unknown): string | undefined {
  const open: Place[] = [{value: root, path: '$'}]
  for (let place = open.pop(); place !== undefined; place = open.pop()) {
    const {value, path, converted} = place
    if (typeof value !== 'object' || value === null) {
      const problem = problemOf(value, path)
      if (problem !== undefined) return problem
    } else if (value instanceof Date && Number.isNaN(value.getTime())) {
      return `the date at ${path} is invalid`
    } else if (converted === undefined && toJSONOf(value) !== undefined) {
      open.push({value: toJSONOf(value)?.call(value), path, converted: true})
    } else if (Array.isArray(value)) {
      for (const [index, member] of (value as readonly unknown[]).entries())
        open.push({value: member, path: `${path}.${index}`})
    } else {
      const members = Object.entries(value)
      const kind = Object.prototype.toString.call(value).slice('[object '.length, -1)
      if (members.length === 0 && kind !== 'Object') return `the ${kind} at ${path} is not JSON`
      for (const [name, member] of members) {
        if (!name.isWellFormed()) return `a name in ${path} is not well-formed Unicode`
        if (member !== undefined && member !== toJSONOf(value)) open.push({value: member, path: `${path}.${name}`})
      }
    }
  }
  return undefined
}

const toJSONOf = (value: object): (() => unknown) | undefined =>
  'toJSON' in value && typeof value.toJSON === 'function' ? (value.toJSON as () => unknown) : undefined

function problemOf(value: unknown, path: string): string | undefined {
  if (typeof value === 'string')
    return value.isWellFormed() ? undefined : `the text at ${path} is not well-formed Unicode`
  if (typeof value === 'number') return Number.isFinite(value) ? undefined : `the number at ${path} is not finite`
  return typeof value === 'boolean' || value === null ? undefined : `the ${typeof value} at ${path} is not JSON`
}
