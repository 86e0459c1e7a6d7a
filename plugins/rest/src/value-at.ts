import type {JsonObject, JsonValue} from 'lorchestra'

/** Gives what is at a dotted path; `undefined` where there is nothing. */
export function valueAt(value: JsonValue | undefined, path: string): JsonValue | undefined {
  let at = value
  for (const name of path.split('.')) {
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, name)) return undefined
    at = (at as JsonObject)[name]
  }
  return at
}

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

export const isList = (value: unknown): value is readonly JsonValue[] => Array.isArray(value)

/** A text, or a number as it was written; `undefined` for anything else. */
export function textOf(value: JsonValue | undefined): string | undefined {
  if (typeof value === 'string') return value === '' ? undefined : value
  if (typeof value === 'number') return String(value)
  // A number of more digits than JavaScript holds is an object that keeps them.
  const text = typeof value === 'object' && value !== null ? JSON.stringify(value) : ''
  return /^-?\d/.test(text) ? text : undefined
}

const MOST_NAMED = 12

/** Names the members of an answer, and those of their members that are lists with their lengths: never a value. */
export function membersOf(value: JsonValue | undefined): string {
  if (isList(value)) return `the answer is a list of ${value.length}`
  if (!isObject(value)) return 'the answer is no object'
  const names = namesIn(value, '', 2)
  if (names.length === 0) return 'the answer is empty'
  const more = names.length > MOST_NAMED ? `, and ${names.length - MOST_NAMED} more` : ''
  return `the answer has: ${names.slice(0, MOST_NAMED).join(', ')}${more}`
}

function namesIn(value: JsonObject, prefix: string, levels: number): readonly string[] {
  return Object.entries(value).flatMap(([name, inner]) => {
    const path = `${prefix}${printable(name)}`
    if (isList(inner)) return [`${path} (${inner.length})`]
    const within = isObject(inner) && levels > 1 ? namesIn(inner, `${path}.`, levels - 1) : []
    return within.length > 0 ? within : [path]
  })
}

/** A name may be payload as well, where a service uses ids for names. */
const printable = (name: string): string => (/^[\w$@.:-]{1,40}$/.test(name) ? name : '…')
