import {createHash} from 'node:crypto'

import {messageWithCauses, sourceBug} from '../base/errors.ts'
import type {Source, StreamDefinition} from '../source.ts'
import {isPlainObject} from './variables.ts'

/** Gives 16 hexadecimal digits of the options that say which records are read. Throws where they are not JSON. */
export function hashSelection(
  options: Readonly<Record<string, unknown>>,
  source: Pick<Source, 'name' | 'selection'>,
): string {
  const chosen = (source.selection ?? [])
    .filter((name) => Object.hasOwn(options, name) && options[name] !== undefined)
    .map((name) => [name, options[name]] as const)
  try {
    return hashOf(Object.fromEntries(chosen))
  } catch (error) {
    throw sourceBug(`the source ${source.name} selects by an option that is not JSON: ${messageWithCauses(error)}`, {
      cause: error,
    })
  }
}

/** Gives the hash for a stream that selects by more than all streams of its job do. */
export const selectionOfStream = (ofJob: string, {selection}: Pick<StreamDefinition, 'selection'>): string =>
  selection === undefined ? ofJob : hashOf([ofJob, selection])

const hashOf = (value: unknown): string => createHash('sha256').update(canonicalJson(value)).digest('hex').slice(0, 16)

const canonicalJson = (value: unknown): string =>
  JSON.stringify(value, (key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner
    // A Set or a Map would become {} whatever it holds.
    if (!isPlainObject(inner)) throw new TypeError(key)
    return Object.fromEntries(Object.entries(inner).toSorted(([one], [other]) => (one < other ? -1 : 1)))
  })
