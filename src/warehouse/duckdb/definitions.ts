import type {DuckDBConnection} from '@duckdb/node-api'

import {usageError} from '../../base/errors.ts'
import {EVENT_LOG, RAW_OBJECTS, type ColumnType, type TableDefinition, type TableSet} from '../../model/tables.ts'
import {identifier, literal, rowsOf} from './sql.ts'

const TYPES: Record<ColumnType, string> = {STRING: 'VARCHAR', JSON: 'JSON', TIMESTAMP: 'TIMESTAMP WITH TIME ZONE'}

const parts = (tables: TableSet): readonly (readonly [string, TableDefinition])[] => [
  [tables.eventLog, EVENT_LOG],
  [tables.rawObjects, RAW_OBJECTS],
]

/** Answers with the names of those that were missing. */
export async function createMissingTables(connection: DuckDBConnection, tables: TableSet): Promise<readonly string[]> {
  const made: string[] = []
  for (const [name, definition] of parts(tables)) {
    if ((await definitionOf(connection, name)) !== undefined) continue
    await connection.run(`CREATE TABLE ${identifier(name)}(${builtInDefinition(definition)});`)
    made.push(name)
  }
  return made
}

/** Test tables are copies of the production tables' definitions, or the run is refused. */
export async function createMissingCopies(
  connection: DuckDBConnection,
  tables: TableSet,
  originals: TableSet,
): Promise<void> {
  await createMissingCopy(connection, tables.eventLog, originals.eventLog)
  await createMissingCopy(connection, tables.rawObjects, originals.rawObjects)
}

export async function createMissingCopy(connection: DuckDBConnection, name: string, original: string): Promise<void> {
  const wanted = await definitionOf(connection, original)
  if (wanted === undefined) return
  if ((await definitionOf(connection, name)) === undefined) {
    await connection.run(`CREATE TABLE ${identifier(name)}(${wanted}`)
  }
  const found = await definitionOf(connection, name)
  if (found === wanted) return
  throw usageError(
    `the test table ${name} has another definition than ${original}: it has (${found ?? ''} and ${original} has (${wanted}`,
    `Drop the test table (DROP TABLE ${name}) and run again: it is made anew from ${original}.`,
  )
}

/** Throws where an existing table cannot hold what lorchestra writes; missing ones pass. */
export async function assertCompatibleTables(connection: DuckDBConnection, tables: TableSet): Promise<void> {
  for (const [name, definition] of parts(tables)) {
    const columns = await columnsOf(connection, name)
    if (columns.size === 0) continue
    const differences = [...differencesBetween(definition, columns)]
    if (differences.length === 0) continue
    throw usageError(
      `the table ${name} is not one that lorchestra can write: ${differences.join('; ')}`,
      'Name another table in lorchestra.yaml (event_log, raw_objects), or change this one; lorchestra never alters it.',
    )
  }
}

export interface Column {
  readonly type: string
  readonly nullable: boolean
}

/** Finds none where there is neither a table nor a view of that name. */
export async function columnsOf(connection: DuckDBConnection, table: string): Promise<ReadonlyMap<string, Column>> {
  const named = await rowsOf(
    connection,
    `SELECT name FROM (
       SELECT database_name, schema_name, table_name AS name FROM duckdb_tables()
       UNION ALL SELECT database_name, schema_name, view_name FROM duckdb_views()
     ) WHERE database_name = current_database() AND schema_name = current_schema() AND lower(name) = lower($table)`,
    {table},
  )
  if (named.length === 0) return new Map()
  // Ten times as fast as duckdb_columns(), which looks into the views of the system as well.
  const rows = await rowsOf(
    connection,
    `SELECT name, type, "notnull" FROM pragma_table_info(${literal(identifier(table))}) ORDER BY cid`,
  )
  return new Map(
    rows.map((row) => [String(row['name']), {type: String(row['type']), nullable: row['notnull'] === false}]),
  )
}

export const tableExists = async (connection: DuckDBConnection, table: string): Promise<boolean> =>
  (await definitionOf(connection, table)) !== undefined

function* differencesBetween(definition: TableDefinition, columns: ReadonlyMap<string, Column>): Generator<string> {
  for (const wanted of definition.columns) {
    const found = columns.get(wanted.name)
    const type = TYPES[wanted.type]
    if (found === undefined) yield `column ${wanted.name} (${type}) is missing`
    else if (found.type !== type) yield `column ${wanted.name} is ${found.type}, not ${type}`
    else if (wanted.required && found.nullable) yield `column ${wanted.name} must be NOT NULL`
    else if (!wanted.required && wanted.alwaysWritten === undefined && !found.nullable) {
      yield `column ${wanted.name} must allow NULL`
    }
  }
  const ours = new Set(definition.columns.map(({name}) => name))
  for (const [name, {nullable}] of columns) {
    if (!ours.has(name) && !nullable) yield `column ${name} is not lorchestra's and must allow NULL`
  }
}

/** Quotes DuckDB's own words for columns, types, defaults and constraints, from behind the table's name on. */
async function definitionOf(connection: DuckDBConnection, table: string): Promise<string | undefined> {
  const rows = await rowsOf(
    connection,
    `SELECT sql FROM duckdb_tables()
     WHERE database_name = current_database() AND schema_name = current_schema() AND lower(table_name) = lower($table)`,
    {table},
  )
  const sql = rows[0]?.['sql']
  return typeof sql === 'string' ? sql.replace(/^[^(]*\(/, '') : undefined
}

function builtInDefinition(definition: TableDefinition): string {
  const columns = definition.columns.map(
    ({name, type, required}) => `${identifier(name)} ${TYPES[type]}${required ? ' NOT NULL' : ''}`,
  )
  const key = definition.primaryKey === undefined ? [] : [`PRIMARY KEY (${identifier(definition.primaryKey)})`]
  return [...columns, ...key].join(', ')
}
