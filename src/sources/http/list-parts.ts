import {isUtf8} from 'node:buffer'

import {isExactNumber, parseExactly} from '../../base/exact-json.ts'
import {jsonText} from '../../base/json-text.ts'
import type {JsonValue} from '../../source.ts'
import {keepReceivedJson} from '../received-json.ts'
import {decodeUtf8} from './body-text.ts'
import {withoutSpace, type ElementPlace, type ListPlace} from './json-elements.ts'

const PART_BYTES = 256 * 1024

/** Parses the list's elements part by part. Each is frozen and keeps its text. Throws where they are not JSON. */
export function* partsOf(bytes: Uint8Array, list: ListPlace): Generator<readonly JsonValue[], void> {
  for (const places of groupsOf(list.elements)) {
    const part = bytes.subarray(places[0]?.start, places.at(-1)?.end)
    const text = decodeUtf8(part)
    const exact = places.some(({manyDigits}) => manyDigits)
    const values = (exact ? parseExactly(`[${text}]`) : JSON.parse(`[${text}]`)) as readonly JsonValue[]
    // Half a character cannot be stored; what is a whole one shows only when it is looked at.
    const halved = text.includes('\\ud') || text.includes('\\uD') || !isUtf8(part)
    for (const [index, value] of values.entries()) {
      const place = places[index]
      if (place === undefined || typeof value !== 'object' || value === null) continue
      const members = freeze(value, exact)
      // A name that is written twice: the text says more than the value does.
      if (members !== place.members || (halved && 'problem' in jsonText(value))) continue
      const {start, end, levels, manyDigits, spaced} = place
      const json = bytes.subarray(start, end)
      keepReceivedJson(value, {bytes: spaced ? withoutSpace(json) : json, levels, manyDigits})
    }
    yield values
  }
}

function* groupsOf(elements: readonly ElementPlace[]): Generator<readonly ElementPlace[], void> {
  for (let [first, next] = [0, 0]; first < elements.length; first = next) {
    const start = elements[first]?.start ?? 0
    do next += 1
    while (next < elements.length && (elements[next - 1]?.end ?? 0) - start < PART_BYTES)
    yield elements.slice(first, next)
  }
}

/** Freezes the value and all within it, and counts the members of its objects. */
function freeze(root: object, holdsRawNumbers: boolean): number {
  const open: object[] = [root]
  let members = 0
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (holdsRawNumbers && isExactNumber(value)) continue
    const within: readonly unknown[] = Array.isArray(value) ? value : Object.values(value)
    if (within !== value) members += within.length
    for (let index = 0; index < within.length; index += 1) {
      const member = within[index]
      if (typeof member === 'object' && member !== null) open.push(member)
    }
    Object.freeze(value)
  }
  return members
}
