import {sourceBug} from '../base/errors.ts'
import {isOneObject} from '../base/json-text.ts'
import {COLUMN_END, headOf} from '../model/record-head.ts'
import {SPOOL_HEAD, type SpoolableRecord, type SpoolableValue, type SpooledColumn} from '../model/raw-object-columns.ts'
import type {JsonValue} from '../source.ts'

/** A line of a record file is what stands before the payload, the payload as it came, and what stands behind it. */
export interface RecordLines {
  readonly before: (record: SpoolableRecord, sequence: number) => string
  /** Gives the payload as a line holds it. Missing: as it came. */
  readonly payload?: (json: Uint8Array) => Uint8Array
  readonly after: string
}

/** Lines of record files stay below this; larger records have files of their own; bytes. */
export const LARGEST_LINE = 4 * 1024 * 1024
/** How `read_csv` reads record files; left to itself its engine takes 64 MB at a time for lines of this length (measured). */
export const READ_IN_PIECES = `max_line_size = ${LARGEST_LINE}, buffer_size = ${2 * LARGEST_LINE}`

/**
 * Columns of text between `COLUMN_END`, in the order of `STAGED_COLUMNS`; without a value it is `NO_VALUE`. Nothing is
 * quoted: no column holds a control character, and JSON on one line holds none.
 */
export const DELIMITED_LINES: RecordLines = {
  before: (record, sequence) => `${headOf(record)}${sequence}${COLUMN_END}`,
  after: '\n',
}

const HEAD = SPOOL_HEAD.map(({name, field}, index) => ({
  before: `${index === 0 ? '{' : ','}${JSON.stringify(name)}:`,
  field,
}))

/** What a line of `JSON_LINES` says. */
export type SpooledRecord = {
  readonly [Column in SpooledColumn as Column['name']]: Column extends {readonly type: 'JSON'}
    ? JsonValue
    : SpoolableValue<Column>
} & {
  /** It rises within the run: the highest of several lines with one key wins. */
  readonly sequence: number
}

/** Throws where a payload is more or less than one object. Who takes it as a text finds that out anyway. */
export function assertOneObject({json}: Pick<SpoolableRecord, 'json'>): void {
  if (!isOneObject(json)) throw sourceBug('the source gave a payload that is not the JSON of one object')
}

/** Objects of JSON. A payload is a member among others, so it must be one object and nothing else. */
export const JSON_LINES: RecordLines = {
  before(record, sequence) {
    assertOneObject(record)
    let head = ''
    for (const {before, field} of HEAD) head += before + JSON.stringify(record[field])
    return `${head},"sequence":${sequence},"payload":`
  },
  after: '}\n',
}

/** Objects of JSON whose payload is a text, so that whoever reads lines need not take what is in it for JSON. */
export const TEXT_LINES: RecordLines = {
  ...JSON_LINES,
  payload: ({buffer, byteOffset, byteLength}) =>
    Buffer.from(JSON.stringify(Buffer.from(buffer, byteOffset, byteLength).toString('utf8'))),
}
