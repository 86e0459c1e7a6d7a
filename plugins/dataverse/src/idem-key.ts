import type {JsonObject, Stream} from 'lorchestra'

const GUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/i

export const isGuid = (value: unknown): value is string => typeof value === 'string' && GUID.test(value)

// A row does not say which of its columns is the primary key; only the table's metadata do. They are the same for ever,
// and for each account: what was learned of one stream holds for another of the same table.
const primaryKeys = new Map<string, string>()

/** Must be called for a stream before the keys of its rows are asked for. */
export function keyBy(primaryKey: string, stream: Stream): void {
  primaryKeys.set(stream.objectType, primaryKey).set(nameOf(stream), primaryKey)
}

export function idemKey(row: JsonObject, stream: Stream): string {
  const primaryKey = primaryKeys.get(nameOf(stream)) ?? primaryKeys.get(stream.objectType)
  if (primaryKey === undefined) throw new Error(`the primary key of ${stream.objectType} is not known yet`)
  const id = row[primaryKey]
  if (!isGuid(id)) throw new Error(`the row has no GUID in ${primaryKey}`)
  return keyOf(id, stream)
}

/** Gives the row's id back. */
export const idOf = (key: string, {objectType, sourceSystem}: Stream): string =>
  key.slice(`${objectType}:${sourceSystem}:`.length)

export const keyOf = (id: string, {objectType, sourceSystem}: Stream): string =>
  `${objectType}:${sourceSystem}:${id.toLowerCase()}`

const nameOf = ({objectType, sourceSystem}: Stream): string => `${objectType}:${sourceSystem}`
