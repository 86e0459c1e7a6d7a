import {randomUUID} from 'node:crypto'
import {isDeepStrictEqual} from 'node:util'

import {failure, usageError} from '../../base/errors.ts'
import {definitionsOf, type ColumnDefinition, type TableDefinition, type TableSet} from '../../model/tables.ts'
import {
  addableColumns,
  assertNoDifferences,
  columnDifferences,
  noCopy,
  type ColumnWords,
  type Difference,
} from '../compatibility.ts'
import type {TablesToCreate} from '../tables-to-create.ts'
import type {AddedColumns} from '../tables-to-create.ts'
import type {Connection} from './connection.ts'
import {assertAllIsCarried} from './carried-streams.ts'
import {
  assertLasts,
  assertLongEnough,
  assertPartitionsWouldLast,
  keepForGood,
  logRetention,
  logRetentionOf,
  setLogRetention,
} from './expiration.ts'
import {assertNoRowsAreMissed} from './missed-rows.ts'
import type {Queries} from './query.ts'
import {literal} from './sql.ts'
import {
  builtInMetadata,
  copiedMetadata,
  createTable,
  deleteTable,
  findTable,
  WITHOUT_DEFAULTS,
  type Table,
} from './table-metadata.ts'

const WORDS: ColumnWords = {
  types: {STRING: 'STRING', JSON: 'JSON', TIMESTAMP: 'TIMESTAMP'},
  required: 'be REQUIRED',
  nullable: 'be NULLABLE',
}

/** Production is only ever looked at: `lorchestra warehouse create` makes it. */
export async function assertProductionTables(
  connection: Connection,
  queries: Queries,
  tables: TableSet,
): Promise<void> {
  for (const [name, definition] of definitionsOf(tables)) {
    const table = await findTable(connection, name)
    if (table === undefined) {
      if (name === tables.rawObjects) await assertNoRowsAreMissed(connection, queries, tables)
      throw usageError(`the table ${name} is not there, and a run never creates production's tables in BigQuery`, {
        code: 'E_TABLE_MISSING',
        next: 'Create it with: lorchestra warehouse create',
      })
    }
    assertCompatible(name, table, definition)
    assertLasts(connection, [name, definition], table)
  }
}

/**
 * Makes what is missing and looks at the rest, which is never altered, but for how long the log keeps events where that is asked
 * for: this is `lorchestra warehouse create`.
 */
export async function createProductionTables(
  connection: Connection,
  queries: Queries,
  tables: TableSet,
  {logRetention: keptFor}: TablesToCreate,
): Promise<readonly string[]> {
  if (keptFor !== undefined) assertLongEnough(keptFor)
  const made: string[] = []
  for (const [name, definition] of definitionsOf(tables)) {
    const retention = definition.dayPartition === undefined ? undefined : keptFor
    let table = await findTable(connection, name)
    if (table === undefined) {
      // An event log that was just made holds nothing yet, and to ask takes a right more.
      if (name === tables.rawObjects && !made.includes(tables.eventLog))
        await assertNoRowsAreMissed(connection, queries, tables)
      if (definition.dayPartition !== undefined && retention === undefined) await assertPartitionsWouldLast(connection)
      const metadata = builtInMetadata(definition, connection.kmsKey)
      const kept = retention === undefined ? {} : logRetention(definition, retention)
      if (await createTable(connection, name, {...metadata, ...kept})) made.push(name)
      table = await keepForGood(connection, name)
    } else if (retention !== undefined && logRetentionOf(table) !== retention) {
      assertCompatible(name, table, definition)
      await assertAllIsCarried(queries, [name, connection.tableName(name)], retention)
      await setLogRetention(connection, name, definition, retention)
      table = await findTable(connection, name)
    }
    if (table === undefined)
      throw failure(`the table ${name} was made and is not there`, {
        code: 'E_TABLE_MISSING',
        next: 'Run the command again.',
      })
    assertCompatible(name, table, definition)
    assertLasts(connection, [name, definition], table)
  }
  return made
}

/** Answers with the names of those that were there. */
export async function dropTables(connection: Connection, {eventLog, rawObjects}: TableSet): Promise<readonly string[]> {
  const dropped: string[] = []
  for (const name of [eventLog, rawObjects]) {
    if ((await findTable(connection, name)) === undefined) continue
    await deleteTable(connection, name)
    dropped.push(name)
  }
  return dropped
}

/** Adds the nullable columns that existing tables lack. All tables are looked at before the first one is altered. */
export async function addMissingColumns(
  connection: Connection,
  queries: Queries,
  sets: readonly TableSet[],
): Promise<readonly AddedColumns[]> {
  const lacking: {readonly name: string; readonly missing: readonly ColumnDefinition[]}[] = []
  for (const [name, definition] of sets.flatMap(definitionsOf)) {
    const table = await findTable(connection, name)
    if (table === undefined) continue
    const missing = addableColumns(name, [...incompatibilities(table, definition)])
    if (missing.length > 0) lacking.push({name, missing})
  }
  for (const {name, missing} of lacking) {
    const table = connection.tableName(name)
    const statements = missing.map(
      ({name: added, type, description}) =>
        `ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${added} ${WORDS.types[type]} OPTIONS(description = ${literal(description)})`,
    )
    await queries.run(`lorchestra-add-columns-${randomUUID()}`, {
      sql: statements.join(';\n'),
      what: `adding columns to table ${name}`,
    })
  }
  return lacking.map(({name, missing}) => ({table: name, columns: missing.map((column) => column.name)}))
}

/** Finds out which of the tables are there; those must be able to hold what lorchestra writes. */
export async function existingTables(
  connection: Connection,
  tables: TableSet,
  signal: AbortSignal,
): Promise<{readonly eventLog: boolean; readonly rawObjects: boolean}> {
  const found: boolean[] = []
  for (const [name, definition] of definitionsOf(tables)) {
    const table = await findTable(connection, name, signal)
    if (table !== undefined) assertCompatible(name, table, definition)
    found.push(table !== undefined)
  }
  return {eventLog: found[0] === true, rawObjects: found[1] === true}
}

/** Makes what is missing, as exact copies of production's tables, or refuses those that differ. */
export async function createMissingCopies(
  connection: Connection,
  queries: Queries,
  tables: TableSet,
  originals: TableSet,
): Promise<void> {
  const pairs = [
    [tables.eventLog, originals.eventLog],
    [tables.rawObjects, originals.rawObjects],
  ] as const
  const definitions = definitionsOf(tables)
  for (const [index, [name, originalName]] of pairs.entries()) {
    const definition = definitions[index]?.[1]
    if (definition !== undefined) await createMissingCopy({connection, queries, tables}, name, originalName, definition)
  }
}

async function createMissingCopy(
  {
    connection,
    queries,
    tables,
  }: {readonly connection: Connection; readonly queries: Queries; readonly tables: TableSet},
  name: string,
  originalName: string,
  definition: TableDefinition,
): Promise<void> {
  const original = await findTable(connection, originalName)
  if (original !== undefined) assertCompatible(originalName, original, definition)
  const wanted =
    original === undefined
      ? builtInMetadata(definition, connection.kmsKey)
      : {...WITHOUT_DEFAULTS, ...copiedMetadata(original)}
  let table = await findTable(connection, name)
  if (table === undefined && name === tables.rawObjects) await assertNoRowsAreMissed(connection, queries, tables)
  const isNew = table === undefined && (await createTable(connection, name, wanted))
  table ??= await findTable(connection, name)
  if (table === undefined)
    throw failure(`the table ${name} was made and is not there`, {
      code: 'E_TABLE_MISSING',
      next: 'Run the command again.',
    })
  assertCompatible(name, table, definition)
  if (original === undefined) return
  const differences = differencesBetween(copiedMetadata(table), wanted as Readonly<Record<string, unknown>>)
  if (differences.length === 0) return
  if (isNew) throw await noCopyPossible(connection, name, originalName, differences.join('; '))
  throw noCopy(name, originalName, differences.join('; '), `bq rm -t ${connection.referenceTo(name).datasetId}.${name}`)
}

/** What differs in a table that was just made was given to it by its dataset: made again, it would be the same. */
async function noCopyPossible(
  connection: Connection,
  name: string,
  originalName: string,
  differences: string,
): Promise<Error> {
  const {projectId: project, datasetId: dataset} = connection.referenceTo(name)
  await deleteTable(connection, name)
  return usageError(
    `no test table can be a copy of ${originalName}, because the dataset gives new tables defaults that it does not have: ${differences}`,
    {
      code: 'E_TABLE_INCOMPATIBLE',
      next: `Give ${originalName} the same, or take these defaults from the dataset (bq show ${project}:${dataset}, bq update), and run again.`,
    },
  )
}

function differencesBetween(
  found: Readonly<Record<string, unknown>>,
  wanted: Readonly<Record<string, unknown>>,
): readonly string[] {
  const names = [...new Set([...Object.keys(found), ...Object.keys(wanted)])]
  return names
    .filter((name) => !isDeepStrictEqual(normalised(found[name]), normalised(wanted[name])))
    .map((name) => `${name} is ${inWords(found[name])}, not ${inWords(wanted[name])}`)
}

const inWords = (value: unknown): string => (value === undefined ? 'unset' : JSON.stringify(value))

/** The service leaves defaults out in one answer and writes them out in another. */
function normalised(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalised)
  if (typeof value !== 'object' || value === null) return value === false || value === '' ? undefined : value
  const entries = Object.entries(value)
    .filter(([name, content]) => !(name === 'mode' && content === 'NULLABLE'))
    .map(([name, content]) => [name, normalised(content)] as const)
    .filter(([, content]) => content !== undefined)
  return entries.length === 0 ? undefined : Object.fromEntries(entries)
}

const assertCompatible = (name: string, table: Table, definition: TableDefinition): void =>
  assertNoDifferences(name, [...incompatibilities(table, definition)])

function* incompatibilities(table: Table, definition: TableDefinition): Generator<Difference> {
  if (table.type !== undefined && table.type !== 'TABLE') {
    yield {text: `it is a ${table.type.toLowerCase()}, not a table`}
  }
  const columns = new Map(
    (table.schema?.fields ?? []).map(({name, type, mode}) => [
      name.toLowerCase(),
      {type: mode === 'REPEATED' ? `repeated ${type}` : type, nullable: mode !== 'REQUIRED'},
    ]),
  )
  yield* columnDifferences(definition, columns, WORDS)
  const ofKeys = new Set([definition.primaryKey, ...definition.clusteredBy])
  for (const {name, collation = ''} of table.schema?.fields ?? []) {
    if (collation !== '' && ofKeys.has(name.toLowerCase()))
      yield {text: `column ${name} must not have the collation ${collation}, by which keys that differ in case are one`}
  }
  if (definition.dayPartition === undefined && table.requirePartitionFilter === true) {
    yield {text: 'it must not require a partition filter, because a key may stand in any partition'}
  }
}
