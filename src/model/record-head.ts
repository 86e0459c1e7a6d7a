import {SPOOL_HEAD, type SpoolableRecord} from './raw-object-columns.ts'
import type {RawObjectColumn} from './tables.ts'

/** Ends a column in a line of text. No column may hold it, nor any other control character. */
export const COLUMN_END = '\u001F'
/** Stands for a column without a value. */
export const NO_VALUE = '\u001E'

// oxlint-disable-next-line no-control-regex -- finding them is the point
const CONTROL_CHARACTER = /[\u0000-\u001F\u007F]/

/** All of a record but its payload, as one text. */
export function headOf(record: SpoolableRecord): string {
  let head = ''
  for (const {field} of SPOOL_HEAD) head += (textIn(record, field) ?? NO_VALUE) + COLUMN_END
  return head
}

/** Reads what `headOf` wrote, or somebody else. Throws where it is none. */
export function recordOf(head: string, json: Uint8Array): SpoolableRecord {
  const values = head.split(COLUMN_END)
  if (values.length !== SPOOL_HEAD.length + 1 || values.pop() !== '') throw new Error('a record has other columns')
  const record: Record<string, string | null | Uint8Array> = {json}
  for (let index = 0; index < SPOOL_HEAD.length; index += 1) {
    const value = values[index] as string
    record[SPOOL_HEAD[index]?.field ?? ''] = value === NO_VALUE ? null : value
  }
  return record as SpoolableRecord
}

const OF_RECORDS = SPOOL_HEAD.filter(({from}: RawObjectColumn) => from === 'record')

/** Names a column whose value cannot stand in a head. Streams and keys are checked as what they are. */
export const columnOutOfPlace = (record: SpoolableRecord): string | undefined =>
  OF_RECORDS.find(({field}) => CONTROL_CHARACTER.test(textIn(record, field) ?? ''))?.name

/** Some columns may have no value, whichever they are today. */
const textIn = (record: SpoolableRecord, field: (typeof SPOOL_HEAD)[number]['field']): string | null => record[field]
