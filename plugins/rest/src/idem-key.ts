import type {JsonObject, Stream} from 'lorchestra'

import type {Options} from './options/shape.ts'
import {settingsOf} from './settings.ts'
import {textOf, valueAt} from './value-at.ts'

/** Makes a key of the fields that the job names, whose type does not count: 1 and "1" are the same. */
export function idemKey(record: JsonObject, stream: Stream, options?: Options): string {
  const settings = options && settingsOf(options).streams.get(stream.objectType)
  if (settings === undefined) throw new Error(`no job reads ${stream.objectType}, so nothing says where its id is`)
  const id = idOf(record, settings.key)
  if (id !== undefined) return keyOf(id, stream)
  const missing = settings.key.filter((path) => textOf(valueAt(record, path)) === undefined)
  throw new Error(`the record has no text or number at ${missing.join(', ')}, its key`)
}

export const keyOf = (id: string, {objectType, sourceSystem}: Stream): string => `${objectType}:${sourceSystem}:${id}`

/** Gives the part of the key that is the record's own; `undefined` where it has none. */
export function idOf(record: JsonObject, paths: readonly string[]): string | undefined {
  const parts = paths.map((path) => textOf(valueAt(record, path)))
  if (parts.some((part) => part === undefined)) return undefined
  return parts.length === 1 ? parts[0] : parts.map((part) => encodeURIComponent(part ?? '')).join('|')
}
