import {namesIn} from '../../base/json-pointer.ts'
import {nameTaken, VIEW_HEAD, type ViewColumn, type ViewSql, type ViewToMake} from '../view-columns.ts'
import type {Connection} from './connection.ts'
import {literal} from './sql.ts'
import {createTable, deleteTable, findTable} from './table-metadata.ts'

/** Tells a view that lorchestra made, and may replace, from those of others. */
const LABELS = {made_by: 'lorchestra'}

export function viewSql(connection: Connection, {tables, stream, columns}: ViewToMake): ViewSql {
  const from = `FROM ${connection.tableName(tables.rawObjects)}
WHERE source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}`
  const values = columns.map((column) => `${valueOf(column)} AS \`${column.name}\``)
  const losses = columns.map((column, index) => `COUNTIF(${isLost(column)}) AS lost_${index}`)
  return {
    select: `SELECT ${[...VIEW_HEAD, ...values].join(',\n  ')}\n${from}`,
    losses: `SELECT ${losses.length === 0 ? '0' : losses.join(',\n  ')}\n${from}`,
  }
}

/** Answers true where it took the place of an earlier one, which is gone for a moment. */
export async function createView(connection: Connection, name: string, select: string): Promise<boolean> {
  const found = await findTable(connection, name)
  if (found !== undefined) {
    if (found.type !== 'VIEW') throw nameTaken(name, 'a table')
    const {made_by: maker} = (found['labels'] ?? {}) as {readonly made_by?: unknown}
    if (maker !== LABELS.made_by) throw nameTaken(name, 'a view that somebody else made')
    await deleteTable(connection, name)
  }
  const view = {query: select, useLegacySql: false}
  if (!(await createTable(connection, name, {view, labels: LABELS}))) throw nameTaken(name, 'there by now')
  return found !== undefined
}

const memberOf = (path: string): string =>
  `payload${namesIn(path)
    .map((segment) => `[${literal(segment)}]`)
    .join('')}`

function valueOf({path, type}: ViewColumn): string {
  const member = memberOf(path)
  switch (type) {
    case 'integer':
      return `LAX_INT64(${member})`
    case 'number':
      return `LAX_FLOAT64(${member})`
    case 'boolean':
      return `LAX_BOOL(${member})`
    case 'timestamp':
      return `SAFE_CAST(LAX_STRING(${member}) AS TIMESTAMP)`
    case 'text':
      return `LAX_STRING(${member})`
    case 'json':
      return member
  }
}

function isLost(column: ViewColumn): string {
  const member = memberOf(column.path)
  const other = column.type === 'integer' ? ` OR LAX_INT64(${member}) != LAX_FLOAT64(${member})` : ''
  return `JSON_TYPE(${member}) != 'null' AND (${valueOf(column)} IS NULL${other})`
}
