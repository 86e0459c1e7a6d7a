import {RAW_OBJECT_COLUMNS, type ColumnDefinition, type RawObjectColumn, type RunColumn} from './tables.ts'

/** A column whose value is spooled with the record. */
export type SpooledColumn = Exclude<(typeof RAW_OBJECT_COLUMNS)[number], {readonly from: 'run'}>

/** The type of a column's value on its way to the spool: timestamps are ISO 8601, the payload is JSON text in UTF-8. */
export type SpoolableValue<Column> = Column extends {readonly type: 'JSON'}
  ? Uint8Array
  : Column extends {readonly required: true} | {readonly alwaysWritten: true}
    ? string
    : string | null

/** A line of the record files, but for its sequence number. */
export type SpoolableRecord = {
  readonly [Column in SpooledColumn as Column['field']]: SpoolableValue<Column>
}

/** These columns stand before the payload in a line of the spool. */
export const SPOOL_HEAD = RAW_OBJECT_COLUMNS.filter((column) => column.from !== 'run' && column.type !== 'JSON')

/** A column of the spool and of staging tables; of several lines with one key the highest `sequence` wins. */
export interface StagedColumn {
  readonly name: string
  readonly type: ColumnDefinition['type'] | 'INTEGER'
}

/** The columns of a line of the spool, in their order. */
export const STAGED_COLUMNS: readonly StagedColumn[] = [
  ...SPOOL_HEAD.map(({name, type}) => ({name, type})),
  {name: 'sequence', type: 'INTEGER'},
  {name: 'payload', type: 'JSON'},
]

const ALL: readonly RawObjectColumn[] = RAW_OBJECT_COLUMNS

/** Values of the stream, the key and the record that a new row gets. */
export const INSERTED_FROM_SPOOL = ALL.filter(({from}) => from !== 'run')

/** Values of the record that make it a changed one where they differ, and that a changed row gets. */
export const COMPARED = ALL.filter((column) => column.from === 'record' && column.updated === 'onChange')

/** Values that a changed row keeps, whatever the record and the run say. */
export const KEPT = ALL.filter((column) => 'updated' in column && column.updated === 'never')

/** The columns that a commit changes in a stored row, and an undo gives back. */
export const RESTORED = ALL.filter((column) => 'updated' in column && column.updated !== 'never').map(({name}) => name)

export const RUN_COLUMNS = ALL.filter((column): column is ColumnDefinition & RunColumn => column.from === 'run')
