import {isDeepStrictEqual} from 'node:util'

import {failure, usageError} from '../../base/errors.ts'
import type {TableDefinition, TableSet} from '../../model/tables.ts'
import type {Connection} from './connection.ts'
import {
  builtInMetadata,
  copiedMetadata,
  createTable,
  definitionsOf,
  findTable,
  type Field,
  type Table,
} from './table-metadata.ts'

/** Production is only ever looked at: `lorchestra warehouse create` makes it. */
export async function assertProductionTables(connection: Connection, tables: TableSet): Promise<void> {
  for (const [name, definition] of definitionsOf(tables)) {
    const table = await findTable(connection, name)
    if (table === undefined) {
      throw usageError(
        `the table ${name} is not there, and a run never creates production's tables in BigQuery`,
        'Create it with: lorchestra warehouse create',
      )
    }
    assertCompatible(name, table, definition)
  }
}

/** Makes what is missing and looks at the rest, which is never altered: this is `lorchestra warehouse create`. */
export async function createProductionTables(connection: Connection, tables: TableSet): Promise<readonly string[]> {
  const made: string[] = []
  for (const [name, definition] of definitionsOf(tables)) {
    let table = await findTable(connection, name)
    if (table === undefined) {
      if (await createTable(connection, name, builtInMetadata(definition))) made.push(name)
      table = await findTable(connection, name)
    }
    if (table === undefined) throw failure(`the table ${name} was made and is not there`, 'Run the command again.')
    assertCompatible(name, table, definition)
  }
  return made
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
    if (definition !== undefined) await createMissingCopy(connection, name, originalName, definition)
  }
}

async function createMissingCopy(
  connection: Connection,
  name: string,
  originalName: string,
  definition: TableDefinition,
): Promise<void> {
  const original = await findTable(connection, originalName)
  if (original !== undefined) assertCompatible(originalName, original, definition)
  const wanted = original === undefined ? builtInMetadata(definition) : copiedMetadata(original)
  let table = await findTable(connection, name)
  if (table === undefined) {
    await createTable(connection, name, wanted)
    table = await findTable(connection, name)
  }
  if (table === undefined) throw failure(`the table ${name} was made and is not there`, 'Run the command again.')
  assertCompatible(name, table, definition)
  if (original === undefined) return
  const differences = differencesBetween(copiedMetadata(table), wanted as Readonly<Record<string, unknown>>)
  if (differences.length === 0) return
  throw usageError(
    `the test table ${name} has another definition than ${originalName}: ${differences.join('; ')}`,
    `Drop the test table (bq rm -t ${connection.dataset}.${name}) and run again: it is made anew from ${originalName}.`,
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

function assertCompatible(name: string, table: Table, definition: TableDefinition): void {
  const differences = [...incompatibilities(table, definition)]
  if (differences.length === 0) return
  throw usageError(
    `the table ${name} is not one that lorchestra can write: ${differences.join('; ')}`,
    'Name another table in lorchestra.yaml (event_log, raw_objects), or change this one; lorchestra never alters it.',
  )
}

function* incompatibilities(table: Table, definition: TableDefinition): Generator<string> {
  if (table.type !== undefined && table.type !== 'TABLE') yield `it is a ${table.type.toLowerCase()}, not a table`
  const fields = new Map<string, Field>((table.schema?.fields ?? []).map((field) => [field.name.toLowerCase(), field]))
  for (const wanted of definition.columns) {
    const found = fields.get(wanted.name)
    const mode = found?.mode ?? 'NULLABLE'
    if (found === undefined) yield `column ${wanted.name} (${wanted.type}) is missing`
    else if (found.type !== wanted.type || mode === 'REPEATED') {
      yield `column ${wanted.name} is ${mode === 'REPEATED' ? `repeated ${found.type}` : found.type}, not ${wanted.type}`
    } else if (wanted.required && mode !== 'REQUIRED') yield `column ${wanted.name} must be REQUIRED`
    else if (!wanted.required && wanted.alwaysWritten === undefined && mode === 'REQUIRED') {
      yield `column ${wanted.name} must be NULLABLE`
    }
  }
  const ours = new Set(definition.columns.map(({name}) => name))
  for (const [name, {mode}] of fields) {
    if (!ours.has(name) && mode === 'REQUIRED') yield `column ${name} is not lorchestra's and must be NULLABLE`
  }
  if (definition.dayPartition === undefined && table.requirePartitionFilter === true) {
    yield 'it must not require a partition filter, because a key may stand in any partition'
  }
}
