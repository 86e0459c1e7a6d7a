import type {DuckDBConnection, DuckDBPreparedStatement, DuckDBResult, DuckDBType, DuckDBValue} from '@duckdb/node-api'

import {LorchestraError, usageError} from '../../base/errors.ts'
import type {JsonValue} from '../../source.ts'
import {instantIn, numberIn, ONE_READING_STATEMENT, type AdHocColumn, type AdHocQuery} from '../ad-hoc-query.ts'
import type {RowFile} from './row-file.ts'

/** Puts the rows of the answer into `file`, so that the database can be closed before anybody has looked at them. */
export async function answerInto(
  file: RowFile,
  connection: DuckDBConnection,
  {sql, rows}: AdHocQuery,
  signal: AbortSignal,
): Promise<readonly AdHocColumn[]> {
  const interrupt = (): void => connection.interrupt()
  signal.addEventListener('abort', interrupt, {once: true})
  try {
    const statement = await preparedToRead(connection, sql)
    const result = await statement.stream()
    await copyRows(result, rows, file)
    return result.columnNames().map((name, column) => ({name, type: nameOfType(result.columnType(column))}))
  } catch (error) {
    signal.throwIfAborted()
    throw error
  } finally {
    signal.removeEventListener('abort', interrupt)
  }
}

/** JSON is text by another name. */
const nameOfType = (type: DuckDBType): string => (type.alias === undefined ? String(type) : type.alias)

async function preparedToRead(connection: DuckDBConnection, sql: string): Promise<DuckDBPreparedStatement> {
  const {StatementType} = await import('@duckdb/node-api')
  try {
    const statements = await connection.extractStatements(sql)
    if (statements.count !== 1) throw refused(`there are ${statements.count} statements`)
    const statement = await statements.prepare(0)
    const {statementType} = statement
    if (statementType !== StatementType.SELECT)
      throw refused(`${StatementType[statementType]} is no statement that only reads`)
    return statement
  } catch (error) {
    if (error instanceof LorchestraError || !(error instanceof Error)) throw error
    // Nothing was read yet, so it quotes nothing but the statement.
    throw refused(error.message.split('\n')[0] ?? '')
  }
}

const refused = (why: string): Error =>
  usageError(`the query is refused: ${why}`, {code: 'E_QUERY_INVALID', next: ONE_READING_STATEMENT})

async function copyRows(result: DuckDBResult, rows: number, file: RowFile): Promise<void> {
  let copied = 0
  while (copied < rows) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk.rowCount === 0) return
    for (let row = 0; row < chunk.rowCount && copied < rows; row += 1) {
      await file.add(chunk.getRowValues(row).map(valueIn))
      copied += 1
    }
  }
}

function valueIn(value: DuckDBValue): JsonValue {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'bigint') return numberIn(value)
  if (typeof value === 'number') return Number.isFinite(value) ? value : String(value)
  // They are told by what they hold: the client's classes cannot be named before it is loaded.
  if ('items' in value) return value.items.map(valueIn)
  if ('micros' in value && value.constructor.name === 'DuckDBTimestampTZValue') return instantIn(value.micros)
  if ('entries' in value && !Array.isArray(value.entries))
    return Object.fromEntries(Object.entries(value.entries).map(([name, member]) => [name, valueIn(member)]))
  return String(value)
}
