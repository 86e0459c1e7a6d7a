import type {JsonObject, JsonValue} from 'lorchestra'

const PLACEHOLDER = /\{([\w-]+(?:\.[^\s{}.]+)*)\}/g

/** Gives what a placeholder stands for; `undefined`: nothing. */
export type Lookup = (name: string) => string | number | undefined

/** Names what stands in braces in a text, each once. */
export const placeholdersIn = (value: JsonValue | undefined): readonly string[] => {
  const names = new Set<string>()
  walk(value, (text) => {
    for (const [, name] of text.matchAll(PLACEHOLDER)) if (name !== undefined) names.add(name)
  })
  return [...names]
}

/** Replaces what stands in braces. `encode` makes it fit for where the text goes. */
export const filled = (text: string, lookup: Lookup, encode: (value: string) => string = (value) => value): string =>
  text.replaceAll(PLACEHOLDER, (_match, name: string) => encode(String(found(name, lookup))))

/**
 * Replaces it in all texts of a value; a text that is nothing else becomes what it stands for, a number say. Braces around other
 * words stay: a query language may have them.
 */
export function filledValue(value: JsonValue, lookup: Lookup): JsonValue {
  if (typeof value === 'string') {
    const [match, name] = new RegExp(PLACEHOLDER.source).exec(value) ?? []
    if (match === value && name !== undefined) return lookup(name) ?? value
    return value.replaceAll(PLACEHOLDER, (text, each: string) => String(lookup(each) ?? text))
  }
  if (Array.isArray(value)) return (value as readonly JsonValue[]).map((item) => filledValue(item, lookup))
  if (typeof value !== 'object' || value === null) return value
  const entries = Object.entries(value as JsonObject).map(([name, inner]) => [name, filledValue(inner ?? null, lookup)])
  return Object.fromEntries(entries) as JsonObject
}

function found(name: string, lookup: Lookup): string | number {
  const value = lookup(name)
  if (value === undefined) throw new Error(`there is nothing that {${name}} stands for`)
  return value
}

function walk(value: JsonValue | undefined, visit: (text: string) => void): void {
  if (typeof value === 'string') visit(value)
  else if (typeof value === 'object' && value !== null) for (const inner of Object.values(value)) walk(inner, visit)
}
