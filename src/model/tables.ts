import {usageError} from '../base/errors.ts'
import type {Stream} from '../source.ts'

export type ColumnType = 'STRING' | 'JSON' | 'TIMESTAMP'

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  readonly required: boolean
  /** The column is nullable and never gets NULL from lorchestra, so a table where it is required will do as well. */
  readonly alwaysWritten?: true
}

/** A table definition says what a table holds, in words that every warehouse translates into its own. */
export interface TableDefinition {
  readonly columns: readonly ColumnDefinition[]
  readonly primaryKey?: string
  readonly dayPartition?: string
  readonly clusteredBy: readonly string[]
}

const required = (name: string, type: ColumnType): ColumnDefinition => ({name, type, required: true})
const nullable = (name: string, type: ColumnType): ColumnDefinition => ({name, type, required: false})
const alwaysWritten = (name: string, type: ColumnType): ColumnDefinition => ({
  name,
  type,
  required: false,
  alwaysWritten: true,
})

/** The event log is the audit trail; rows are only ever appended. */
export const EVENT_LOG: TableDefinition = {
  columns: [
    required('event_id', 'STRING'),
    required('event_type', 'STRING'),
    required('source_system', 'STRING'),
    alwaysWritten('object_type', 'STRING'),
    nullable('idem_key', 'STRING'),
    alwaysWritten('correlation_id', 'STRING'),
    nullable('trace_id', 'STRING'),
    required('created_at', 'TIMESTAMP'),
    required('status', 'STRING'),
    nullable('error_message', 'STRING'),
    nullable('payload', 'JSON'),
  ],
  dayPartition: 'created_at',
  clusteredBy: ['source_system', 'object_type', 'event_type'],
}

/** A run says this of itself in the rows that it writes. */
export interface RunValues {
  readonly startedAt: Date
  readonly runId: string
}

/**
 * A column of `raw_objects` says where its value comes from. Of a stream or a key it is the same for all records of the
 * key, so it is never compared. Of a record or a run, `updated` says when a stored row gets the new value: never, when
 * the record changed, or whenever the record was read. A record has changed when an `onChange` value of it differs.
 */
export type RawObjectColumn = ColumnDefinition &
  (
    | {readonly type: 'STRING'; readonly from: 'stream'; readonly field: keyof Stream}
    | {readonly type: 'STRING'; readonly from: 'key'; readonly field: string}
    | {
        readonly type: 'STRING' | 'TIMESTAMP'
        readonly from: 'record'
        readonly field: string
        readonly updated: 'never' | 'onChange'
      }
    | PayloadColumn
    | RunColumn
  )

/** The payload is the record itself, as JSON text. */
interface PayloadColumn {
  readonly name: 'payload'
  readonly type: 'JSON'
  readonly required: true
  readonly from: 'record'
  readonly field: 'json'
  readonly updated: 'onChange'
}

export type RunColumn = {
  readonly from: 'run'
  readonly updated: 'never' | 'onChange' | 'onRead'
} & ({readonly type: 'TIMESTAMP'; readonly field: 'startedAt'} | {readonly type: 'STRING'; readonly field: 'runId'})

/** The table of records has one row per idempotency key. The spool, both warehouses and the types of a record follow from this list. */
export const RAW_OBJECT_COLUMNS = [
  {name: 'idem_key', type: 'STRING', required: true, from: 'key', field: 'idemKey'},
  {name: 'source_system', type: 'STRING', required: true, from: 'stream', field: 'sourceSystem'},
  {name: 'object_type', type: 'STRING', required: true, from: 'stream', field: 'objectType'},
  {name: 'external_id', type: 'STRING', required: false, alwaysWritten: true, from: 'key', field: 'externalId'},
  {name: 'payload', type: 'JSON', required: true, from: 'record', field: 'json', updated: 'onChange'},
  {name: 'first_seen', type: 'TIMESTAMP', required: true, from: 'run', field: 'startedAt', updated: 'never'},
  {name: 'last_seen', type: 'TIMESTAMP', required: true, from: 'run', field: 'startedAt', updated: 'onRead'},
] as const satisfies readonly RawObjectColumn[]

export const RAW_OBJECTS: TableDefinition = {
  columns: RAW_OBJECT_COLUMNS,
  primaryKey: 'idem_key',
  clusteredBy: ['source_system', 'object_type', 'idem_key'],
}

/** A table set is the two tables that a run reads or writes together. */
export interface TableSet {
  readonly eventLog: string
  readonly rawObjects: string
}

/** Both tables' names with their definitions. */
export const definitionsOf = (tables: TableSet): readonly (readonly [string, TableDefinition])[] => [
  [tables.eventLog, EVENT_LOG],
  [tables.rawObjects, RAW_OBJECTS],
]

const TEST = 'test_'

/** A test table is `test_` and the production table's own name. */
export const testTablesOf = (production: TableSet): TableSet => ({
  eventLog: `${TEST}${production.eventLog}`,
  rawObjects: `${TEST}${production.rawObjects}`,
})

export type TableSetName = 'production' | 'test'

/** Warehouses compare names without regard to case. */
const isTestTable = (name: string): boolean => name.toLowerCase().startsWith(TEST)

/** Tells which of the two table sets it is: no production table has the name of a test table. */
export const setNameOf = ({eventLog}: TableSet): TableSetName => (isTestTable(eventLog) ? 'test' : 'production')

/** Gives the table set of that name, from the names of the production tables. */
export function tableSetOf(name: TableSetName, production: TableSet): TableSet {
  switch (name) {
    case 'production':
      return production
    case 'test':
      return testTablesOf(production)
  }
}

/** Throws where four names would not be four tables, or another configuration may take production for its test tables. */
export function assertDisjointTables(production: TableSet): void {
  const test = testTablesOf(production)
  const names = [production.eventLog, production.rawObjects, test.eventLog, test.rawObjects]
  const folded = names.map((name) => name.toLowerCase())
  const clash = names.find((_, index) => folded.indexOf(folded[index] ?? '') !== index)
  if (clash !== undefined)
    throw usageError(
      `the table name ${clash} stands for two tables; production's are ${production.eventLog} and ${production.rawObjects}, the test tables ${test.eventLog} and ${test.rawObjects}`,
      {
        code: 'E_CONFIG_INVALID',
        next: 'Give event_log and raw_objects names whose four tables differ, in lorchestra.yaml or EVENT_LOG_TABLE and RAW_OBJECTS_TABLE.',
      },
    )
  const tested = [production.eventLog, production.rawObjects].find(isTestTable)
  if (tested === undefined) return
  throw usageError(
    `the production table ${tested} has the name of a test table: where ${tested.slice(TEST.length)} is production, runs with --test-table write to it and test drop drops it`,
    {
      code: 'E_CONFIG_INVALID',
      next: `Give event_log and raw_objects names that do not begin with ${TEST}, in lorchestra.yaml or EVENT_LOG_TABLE and RAW_OBJECTS_TABLE. What test runs stored becomes production's by lorchestra test promote; a production table of that name is to be renamed in the warehouse.`,
    },
  )
}
