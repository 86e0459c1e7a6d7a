import {usageError} from '../base/errors.ts'
import type {Stream} from '../source.ts'

export type ColumnType = 'STRING' | 'JSON' | 'TIMESTAMP'

export interface ColumnDefinition {
  readonly name: string
  readonly type: ColumnType
  readonly required: boolean
  /** The warehouse shows it beside the column, where it can. */
  readonly description: string
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

const required = (name: string, type: ColumnType, description: string): ColumnDefinition => ({
  name,
  type,
  required: true,
  description,
})
const nullable = (name: string, type: ColumnType, description: string): ColumnDefinition => ({
  name,
  type,
  required: false,
  description,
})
const alwaysWritten = (name: string, type: ColumnType, description: string): ColumnDefinition => ({
  ...nullable(name, type, description),
  alwaysWritten: true,
})

/** The event log is the audit trail; rows are only ever appended. */
export const EVENT_LOG: TableDefinition = {
  columns: [
    required('event_id', 'STRING', 'Id of the event; the same event is written once.'),
    required('event_type', 'STRING', 'What happened, such as ingestion.completed or record.rejected.'),
    required('source_system', 'STRING', 'Account of which source it is about; lorchestra for whole runs.'),
    alwaysWritten('object_type', 'STRING', 'Kind of records that it is about; job_run for whole runs.'),
    nullable('idem_key', 'STRING', 'Key of the one record that it is about.'),
    alwaysWritten('correlation_id', 'STRING', 'Id of the run.'),
    nullable('trace_id', 'STRING', 'Id of the trace that the run was part of.'),
    required('created_at', 'TIMESTAMP', 'When it happened.'),
    required('status', 'STRING', 'ok or failed.'),
    nullable('error_message', 'STRING', 'What went wrong; holds no payload.'),
    nullable('payload', 'JSON', 'Details, which depend on event_type: windows, counts, bookmarks.'),
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
  readonly description: string
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
  {
    name: 'idem_key',
    type: 'STRING',
    required: true,
    from: 'key',
    field: 'idemKey',
    description: 'Key of the record: object type, source system and external id; one row for each.',
  },
  {
    name: 'source_system',
    type: 'STRING',
    required: true,
    from: 'stream',
    field: 'sourceSystem',
    description: 'Account of which source the record is of.',
  },
  {
    name: 'object_type',
    type: 'STRING',
    required: true,
    from: 'stream',
    field: 'objectType',
    description: 'Kind of the record.',
  },
  {
    name: 'external_id',
    type: 'STRING',
    required: false,
    alwaysWritten: true,
    from: 'key',
    field: 'externalId',
    description: 'Id of the record at its source.',
  },
  {
    name: 'payload',
    type: 'JSON',
    required: true,
    from: 'record',
    field: 'json',
    updated: 'onChange',
    description: 'The record as the source sent it last.',
  },
  {
    name: 'first_seen',
    type: 'TIMESTAMP',
    required: true,
    from: 'run',
    field: 'startedAt',
    updated: 'never',
    description: 'Start of the run that stored the record first.',
  },
  {
    name: 'last_seen',
    type: 'TIMESTAMP',
    required: true,
    from: 'run',
    field: 'startedAt',
    updated: 'onRead',
    description: 'Start of the last run that read the record and wrote this row.',
  },
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

/** Production's names, and which set of test tables goes with them in this process. */
export interface ProductionTables extends TableSet {
  /** Missing: the set without a name. `withTestSet` alone gives one. */
  readonly testSet?: string
}

const SET_NAME = '[a-z0-9]{1,20}'
const SET_SEPARATOR = '__'
const SET_AT_THE_END = new RegExp(`${SET_SEPARATOR}(${SET_NAME})$`)

/** Has a process use that set of test tables. Throws a usage error for a name that is none. */
export function withTestSet(production: TableSet, name: string): ProductionTables {
  if (new RegExp(`^${SET_NAME}$`).test(name)) return {...production, testSet: name}
  throw usageError(`${JSON.stringify(name)} cannot name a set of test tables`, {
    code: 'E_NAME_INVALID',
    next: 'Give one of 1 to 20 small letters and digits, such as: --test-set alice',
  })
}

/** Goes behind a command that is advised, so that it means the same set. */
export const testSetArgument = ({testSet}: Pick<ProductionTables, 'testSet'> = {}): string =>
  testSet === undefined ? '' : ` --test-set ${testSet}`

const testTableOf = (table: string, {testSet}: Pick<ProductionTables, 'testSet'>): string =>
  `test_${table}${testSet === undefined ? '' : `${SET_SEPARATOR}${testSet}`}`

/** A test table is `test_` and the production table's own name, and then the name of its set where that has one. */
export const testTablesOf = (production: ProductionTables): TableSet => ({
  eventLog: testTableOf(production.eventLog, production),
  rawObjects: testTableOf(production.rawObjects, production),
})

/** Begins the name of every test table. */
export const TEST_TABLE_START = testTableOf('', {})

/** Gives all sets that may have tables among these, whatever their case: the one without a name first, then by name. */
export function testSetsAmong(names: readonly string[], {eventLog, rawObjects}: TableSet): readonly ProductionTables[] {
  const ofTests = names.filter((name) => [eventLog, rawObjects].some((table) => isTestTableOf(table, name)))
  const plain = testTablesOf({eventLog, rawObjects})
  const isPlain = (name: string): boolean =>
    [plain.eventLog, plain.rawObjects].some((table) => table.toLowerCase() === name.toLowerCase())
  const sets = new Set(
    ofTests.map((name) => (isPlain(name) ? '' : (SET_AT_THE_END.exec(name.toLowerCase())?.[1] ?? ''))),
  )
  return [...sets]
    .toSorted()
    .map((testSet) => (testSet === '' ? {eventLog, rawObjects} : {eventLog, rawObjects, testSet}))
}

/** Tells whether a test table of that table, in whatever set, is called so. */
export const isTestTableOf = (table: string, name: string): boolean =>
  new RegExp(`^${testTableOf(table, {})}(${SET_SEPARATOR}${SET_NAME})?$`, 'i').test(name)

export type TableSetName = 'production' | 'test'

/** What may be written at most: one of the table sets, or nothing at all. */
export type Writes = TableSetName | 'nothing'

/** Warehouses compare names without regard to case. */
export const isTestTable = (name: string): boolean => name.toLowerCase().startsWith(TEST_TABLE_START)

/** Tells which of the two table sets it is: no production table has the name of a test table. */
export const setNameOf = ({eventLog}: TableSet): TableSetName => (isTestTable(eventLog) ? 'test' : 'production')

/** Gives the table set of that name, from the names of the production tables. */
export function tableSetOf(name: TableSetName, production: ProductionTables): TableSet {
  switch (name) {
    case 'production':
      return production
    case 'test':
      return testTablesOf(production)
  }
}

/**
 * Throws where a name would stand for two tables, whatever sets of test tables there are or will be, or where another configuration
 * may take production for its test tables. Warehouses compare names without regard to case.
 */
export function assertDisjointTables({eventLog, rawObjects}: TableSet): void {
  const pairs = [
    [eventLog, rawObjects],
    [rawObjects, eventLog],
  ] as const
  const [clash] = pairs.flatMap(([table, other]) =>
    [other, testTableOf(other, {})].filter((name) => isTestTableOf(table, name)),
  )
  if (clash !== undefined) {
    const test = testTablesOf({eventLog, rawObjects})
    throw usageError(
      `the table name ${clash} stands for two tables; production's are ${eventLog} and ${rawObjects}, the test tables ${test.eventLog} and ${test.rawObjects}, or these with __ and the name of a set`,
      {
        code: 'E_CONFIG_INVALID',
        next: 'Give event_log and raw_objects names whose tables differ, in lorchestra.yaml or EVENT_LOG_TABLE and RAW_OBJECTS_TABLE.',
      },
    )
  }
  const tested = [eventLog, rawObjects].find(isTestTable)
  if (tested === undefined) return
  throw usageError(
    `the production table ${tested} has the name of a test table: where ${tested.slice(TEST_TABLE_START.length)} is production, runs with --test-table write to it and test drop drops it`,
    {
      code: 'E_CONFIG_INVALID',
      next: `Give event_log and raw_objects names that do not begin with ${TEST_TABLE_START}, in lorchestra.yaml or EVENT_LOG_TABLE and RAW_OBJECTS_TABLE. What test runs stored becomes production's by lorchestra test promote; a production table of that name is to be renamed in the warehouse.`,
    },
  )
}
