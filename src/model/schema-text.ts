import type {SchemaChange, SchemaType} from './stream-schema.ts'

const NUMBER = new Intl.NumberFormat('en-US')

export const formatTypes = (types: readonly SchemaType[]): string => types.join('|')

/** Formats `+ /email string (9 of 1,240)` for a new path and `~ /limit integer → number` for another type of a known one. */
export function formatSchemaChange({path, types, always, was, wasAlways, count, of}: SchemaChange): string {
  const place = path === '' ? '(the record)' : path
  const share = always ? '' : ` (${NUMBER.format(count)} of ${NUMBER.format(of)})`
  if (was === null) return `+ ${place} ${formatTypes(types)}${share}`
  const other = formatTypes(types) === formatTypes(was) ? '' : ` ${formatTypes(was)} → ${formatTypes(types)}`
  const absent = wasAlways && !always ? ` no longer always there${share}` : ''
  return `~ ${place}${other}${absent}`
}
