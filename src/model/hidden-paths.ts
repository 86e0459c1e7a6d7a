import {sourceBug} from '../base/errors.ts'
import {isExactNumber, parseExactly} from '../base/exact-json.ts'
import {isNestedDeeperThan} from '../base/json-text.ts'
import type {JsonChange} from '../base/json-difference.ts'
import {namesIn} from '../base/json-pointer.ts'
import {HIDDEN} from '../base/mask.ts'
import type {JsonValue} from '../source.ts'

/** The names of members and the indexes that lead to a value; `*` is any of them. */
type Segments = readonly string[]

/** The payload itself is what lies deeper than this; it is hidden as a whole. */
const DEEPEST = 500

/** Reads a path in the way of RFC 6901: `/address/city`, `/phones/0`, `/phones/*`. Throws for what is none. */
export function segmentsOf(path: string): Segments {
  if (path === '') throw new RangeError('"" is all of a record; --samples 0 shows none')
  if (path.includes('${')) throw new RangeError(`${JSON.stringify(path)} holds a variable, which a path cannot`)
  if (!path.startsWith('/')) {
    const meant = `/${path.replace(/^\$\.?/, '').replaceAll('.', '/')}`
    throw new RangeError(`${JSON.stringify(path)} is no path into a record; did you mean ${JSON.stringify(meant)}?`)
  }
  if (/~(?![01])/.test(path))
    throw new RangeError(`${JSON.stringify(path)} is no path: in a name ~ is written ~0, and / is written ~1`)
  return namesIn(path)
}

/** Puts `***` in place of all that the paths lead to, whatever it is; all else keeps its value, numbers their digits. */
export function hidePaths(json: string, paths: readonly string[]): string {
  if (paths.length === 0) return json
  if (isNestedDeeperThan(json, DEEPEST)) return JSON.stringify(HIDDEN)
  return JSON.stringify(hideIn(parse(json), paths.map(segmentsOf)))
}

/** Hides in a change what the paths lead to. */
export function hideWithin(change: JsonChange, hiddenPaths: readonly string[]): JsonChange {
  if (hiddenPaths.length === 0) return change
  let paths: readonly Segments[] = hiddenPaths.map(segmentsOf)
  let isHidden = false
  for (const name of change.path) {
    paths = pathsWithin(paths, name)
    isHidden ||= paths.some((path) => path.length === 0)
  }
  const hide = (value: JsonValue): JsonValue => (isHidden ? HIDDEN : hideIn(value, paths))
  return {
    ...change,
    ...(change.from !== undefined && {from: hide(change.from)}),
    ...(change.to !== undefined && {to: hide(change.to)}),
  }
}

function hideIn(value: JsonValue, paths: readonly Segments[]): JsonValue {
  if (paths.some((path) => path.length === 0)) return HIDDEN
  if (paths.length === 0 || typeof value !== 'object' || value === null || isExactNumber(value)) return value
  const within = (name: string): readonly Segments[] => pathsWithin(paths, name)
  if (Array.isArray(value)) return value.map((item: JsonValue, index) => hideIn(item, within(String(index))))
  const members = Object.entries(value as Readonly<Record<string, JsonValue>>)
  return Object.fromEntries(members.map(([name, member]) => [name, hideIn(member, within(name))]))
}

const pathsWithin = (paths: readonly Segments[], name: string): readonly Segments[] =>
  paths.filter(([first]) => first === name || first === '*').map((path) => path.slice(1))

function parse(json: string): JsonValue {
  try {
    return parseExactly(json)
  } catch {
    // What JSON.parse says quotes the payload.
    throw sourceBug('the source gave a record that is no JSON')
  }
}
