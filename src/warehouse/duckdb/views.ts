import type {DuckDBConnection} from '@duckdb/node-api'

import {nameTaken, VIEW_HEAD, type ViewColumn, type ViewSql, type ViewToMake, type ViewType} from '../view-columns.ts'
import {identifier, literal, rowsOf, tableNamed} from './sql.ts'

/** Tells a view that lorchestra made, and may replace, from those of others. */
const LABEL = 'made by lorchestra views create'

const CASTS: Readonly<Partial<Record<ViewType, string>>> = {
  integer: 'BIGINT',
  number: 'DOUBLE',
  boolean: 'BOOLEAN',
  timestamp: 'TIMESTAMPTZ',
}

export function viewSql({tables, stream, columns}: ViewToMake): ViewSql {
  const from = `FROM ${tableNamed(tables.rawObjects)}
WHERE source_system = ${literal(stream.sourceSystem)} AND object_type = ${literal(stream.objectType)}`
  const values = columns.map((column) => `${valueOf(column)} AS ${identifier(column.name)}`)
  const losses = columns.map((column, index) => `count(*) FILTER (WHERE ${isLost(column)}) AS lost_${index}`)
  return {
    select: `SELECT ${[...VIEW_HEAD, ...values].join(',\n  ')}\n${from}`,
    losses: `SELECT ${losses.length === 0 ? '0' : losses.join(',\n  ')}\n${from}`,
  }
}

/** Answers true where it took the place of an earlier one. */
export async function createView(connection: DuckDBConnection, name: string, select: string): Promise<boolean> {
  const [table] = await rowsOf(connection, 'SELECT 1 FROM duckdb_tables() WHERE lower(table_name) = lower($name)', {
    name,
  })
  if (table !== undefined) throw nameTaken(name, 'a table')
  const [view] = await rowsOf(
    connection,
    'SELECT comment FROM duckdb_views() WHERE NOT internal AND lower(view_name) = lower($name)',
    {name},
  )
  if (view !== undefined && view['comment'] !== LABEL) throw nameTaken(name, 'a view that somebody else made')
  await connection.run(`CREATE OR REPLACE VIEW ${tableNamed(name)} AS ${select}`)
  await connection.run(`COMMENT ON VIEW ${tableNamed(name)} IS ${literal(LABEL)}`)
  return view !== undefined
}

function valueOf({path, type}: ViewColumn): string {
  if (type === 'json') return `payload->${literal(path)}`
  const text = `payload->>${literal(path)}`
  const cast = CASTS[type]
  return cast === undefined ? text : `TRY_CAST(${text} AS ${cast})`
}

function isLost(column: ViewColumn): string {
  const type = `json_type(payload, ${literal(column.path)})`
  const other = column.type === 'integer' ? ` OR ${type} = 'DOUBLE'` : ''
  return `${type} <> 'NULL' AND ((${valueOf(column)}) IS NULL${other})`
}
