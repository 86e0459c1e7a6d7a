import {COMPARED, INSERTED_FROM_SPOOL, KEPT, RUN_COLUMNS, STAGED_COLUMNS} from '../../model/raw-object-columns.ts'
import type {RunColumn, RunValues} from '../../model/tables.ts'
import {literal} from './sql.ts'

const TYPES = {STRING: 'VARCHAR', INTEGER: 'BIGINT', JSON: 'JSON', TIMESTAMP: 'TIMESTAMPTZ'} as const
/** A payload in a file is text, so that each digit stays as it was written. */
const TYPES_OF_TEXT = {...TYPES, JSON: 'VARCHAR'} as const

/** Values of one run for all rows, or of each staged row its own. */
export type RunValuesOrStaged = RunValues | 'staged'

const RUN_VALUES: Record<RunColumn['field'], (run: RunValues) => string> = {
  startedAt: ({startedAt}) => `${literal(startedAt.toISOString())}::TIMESTAMPTZ`,
  runId: ({runId}) => literal(runId),
}

const runColumns = (updated: readonly RunColumn['updated'][], run: RunValuesOrStaged) =>
  RUN_COLUMNS.filter((column) => updated.includes(column.updated)).map(({name, type, field}) => ({
    name,
    type,
    value: run === 'staged' ? `staged.${name}` : RUN_VALUES[field](run),
  }))

const asSelected = (columns: ReturnType<typeof runColumns>): string =>
  columns.map(({name, value}) => `${value} AS ${name}`).join(', ')

const listOf = (columns: readonly {readonly name: string}[], prefix = ''): string =>
  columns.map(({name}) => `${prefix}${name}`).join(', ')

const isIn = (columns: readonly {readonly name: string}[], name: string): boolean =>
  columns.some((column) => column.name === name)

/** `read_csv` takes the columns in this form. */
export const STAGED_AS_TEXT = STAGED_COLUMNS.map(({name, type}) => `${name}: '${TYPES_OF_TEXT[type]}'`).join(', ')

export const STAGED_AS_TABLE = STAGED_COLUMNS.map(({name, type}) => `${name} ${TYPES[type]}`).join(', ')

/** Parameters of one staged line, by the names of the columns. */
export const STAGED_AS_PARAMETERS = STAGED_COLUMNS.map(({name, type}) => `$${name}::${TYPES[type]}`).join(', ')

/** These columns are compared by value; a payload is compared by its digests. */
export const COMPARED_BY_VALUE = COMPARED.filter(({type}) => type !== 'JSON').map(({name}) => name)

/** The columns of a record that count for what it is compared with; the payload as text. */
export const COMPARED_AS_TABLE = [
  'idem_key VARCHAR',
  ...COMPARED.map(({name, type}) => `${name} ${TYPES_OF_TEXT[type]}`),
].join(', ')

/** A changed row takes these columns along from the stored one. */
export const KEPT_NAMES = KEPT.map(({name}) => name)

/** A new row, from `staged`. */
export const insertedColumns = (run: RunValuesOrStaged): string =>
  `${listOf(INSERTED_FROM_SPOOL, 'staged.')}, ${asSelected(runColumns(['never', 'onChange', 'onRead'], run))}`

/** A changed row, from `staged`, but for what it takes along. */
export const changedColumns = (run: RunValuesOrStaged): {readonly ofRecord: string; readonly ofRun: string} => ({
  ofRecord: listOf(
    INSERTED_FROM_SPOOL.filter(({name}) => !isIn(KEPT, name)),
    'staged.',
  ),
  ofRun: asSelected(runColumns(['onChange', 'onRead'], run)),
})

/** A row that was read again is never told to have been seen last earlier than it was, whatever the clock of this run says. */
const readAgainColumns = (run: RunValues) =>
  runColumns(['onRead'], run).map(({name, type, value}) => ({
    name,
    value: type === 'TIMESTAMP' ? `greatest(${name}, ${value})` : value,
  }))

/** Writes the SET of an UPDATE of rows that were read again and have not changed. */
export const readAgain = (run: RunValues): string =>
  readAgainColumns(run)
    .map(({name, value}) => `${name} = ${value}`)
    .join(', ')

/** Writes the REPLACE of a SELECT; `condition` says which rows were read again. */
export const readAgainWhere = (condition: string, run: RunValues): string =>
  readAgainColumns(run)
    .map(({name, value}) => `CASE WHEN ${condition} THEN ${value} ELSE ${name} END AS ${name}`)
    .join(', ')
