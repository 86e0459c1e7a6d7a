import {createHash} from 'node:crypto'

import type {JsonObject, JsonValue, Stream} from 'lorchestra'

import {mailIdOf} from './mail-id.ts'
import {settingsOf, type Options, type StreamSettings} from './options.ts'

type Key = StreamSettings['key']

const keys = new WeakMap<Options, ReadonlyMap<string, Key>>()

export function idemKey(record: JsonObject, {objectType, sourceSystem}: Stream, options: Options): string {
  let known = keys.get(options)
  if (known === undefined) {
    known = new Map(settingsOf(options).map((settings) => [settings.objectType, settings.key]))
    keys.set(options, known)
  }
  return `${objectType}:${sourceSystem}:${idOf(record, known.get(objectType))}`
}

/** Gives what names the record within its stream. Throws where it lacks one of its columns. */
export function idOf(record: JsonObject, key: Key): string {
  if (key === undefined) return mailIdOf(record) ?? contentOf(record)
  if (key === 'content') return contentOf(record)
  if (typeof key === 'string') return partOf(record, key)
  const [only, ...others] = key
  if (only !== undefined && others.length === 0) return partOf(record, only)
  // What stands between the parts is in none of them.
  return key.map((column) => encodeURIComponent(partOf(record, column))).join('|')
}

/** Gives the columns that no record may lack. */
export const columnsOf = (key: Key): readonly string[] => (key === undefined || key === 'content' ? [] : [key].flat())

export const missingIn = (record: JsonObject, columns: readonly string[]): string | undefined =>
  columns.find((column) => isMissing(record[column]))

const isMissing = (value: JsonValue | undefined): boolean => value === undefined || value === null || value === ''

function partOf(record: JsonObject, column: string): string {
  const value = record[column]
  if (isMissing(value)) throw new Error(`${column}, of its key, is empty`)
  return typeof value === 'string' ? value : canonical(value as JsonValue)
}

const contentOf = (record: JsonObject): string => createHash('sha256').update(canonical(record)).digest('base64url')

/** Writes equal values alike, whatever the order of their members. */
function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_name, member: unknown) => (isPlainObject(member) ? sorted(member) : member))
}

const sorted = (value: object): object =>
  Object.fromEntries(Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1)))

/** A number of many digits looks like an object, and is none. */
const isPlainObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && !isRawNumber(value)

const {isRawJSON: isRawNumber = () => false} = JSON as unknown as {readonly isRawJSON?: (value: unknown) => boolean}
