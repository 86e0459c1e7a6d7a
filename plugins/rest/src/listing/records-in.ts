import type {HttpResponse, JsonObject, JsonValue} from 'lorchestra'

import type {StreamSettings} from '../settings.ts'
import {isList, isObject, membersOf, valueAt} from '../value-at.ts'

/** So many records are handed on at once. */
const PART = 250

/** Asks for the list in parts where it is a member of the answer, or the answer itself. */
export const listInParts = ({records, single}: StreamSettings): string | undefined =>
  single || records.includes('.') ? undefined : records

/** Gives the records of an answer part by part; only objects are any. Throws where there is no list of them. */
export function* recordsIn(
  {body, parts}: HttpResponse,
  {records: path, single, error}: StreamSettings,
): Generator<readonly JsonObject[], void> {
  const problem = error === undefined ? undefined : wordsAt(valueAt(body, error))
  if (problem !== undefined) throw new Error(`the answer has status 200, but says at ${error ?? ''}: ${problem}`)
  if (parts !== undefined) {
    for (const part of parts) yield checked(part)
    return
  }
  const value = path === '' ? body : valueAt(body, path)
  if (single) {
    if (!isObject(value)) throw new Error(`no record at ${path}; ${membersOf(body)}`)
    yield [value]
    return
  }
  // Some languages write null for a list without members; where there is no such member at all, the path is wrong.
  if (value === null) return
  if (!isList(value)) throw new Error(`no list ${path === '' ? 'at the root' : `at ${path}`}; ${membersOf(body)}`)
  for (let from = 0; from < value.length; from += PART) yield checked(value.slice(from, from + PART))
}

function checked(values: readonly JsonValue[]): readonly JsonObject[] {
  if (values.every(isObject)) return values
  throw new Error('the list holds something that is no record: a text, a number or a list')
}

/** Gives the service's words for what is wrong; `undefined` where nothing is. */
function wordsAt(value: JsonValue | undefined): string | undefined {
  if (value === undefined || value === null || value === false || value === '' || value === true) return undefined
  if (typeof value === 'string') return value.slice(0, 200).replaceAll(/\p{Cc}+/gu, ' ')
  if (isList(value)) return value.length === 0 ? undefined : (wordsAt(value[0]) ?? 'something')
  if (isObject(value))
    return wordsAt(value['message'] ?? value['code']) ?? (Object.keys(value).length > 0 ? 'something' : undefined)
  return 'something'
}
