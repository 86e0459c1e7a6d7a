import type {SpoolableRecord} from '../../model/raw-object-columns.ts'

/** Reads the columns of a record that came out of a box. Throws where they are no text. */
export function recordOf(head: string, json: string): SpoolableRecord {
  const values: unknown = JSON.parse(head)
  if (typeof values !== 'object' || values === null) throw new Error('it sent a record without a key')
  const fits = Object.values(values).every((value) => typeof value === 'string' || value === null)
  if (
    !fits ||
    !['idemKey', 'sourceSystem', 'objectType'].every(
      (field) => typeof (values as Record<string, unknown>)[field] === 'string',
    )
  )
    throw new Error('it sent a record whose columns are no text')
  return {...values, json} as SpoolableRecord
}
