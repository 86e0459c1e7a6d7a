import type {Config} from '../config/config.ts'
import {usageError} from '../base/errors.ts'
import type {TableSet} from '../model/tables.ts'
import {assertViewName, viewColumns, viewNameOf, type ViewColumn, type ViewSql} from '../warehouse/view-columns.ts'
import {knownSchema} from '../run/record-shapes.ts'
import type {StreamScope, Warehouse} from '../warehouse/warehouse.ts'
import {readJobSchemas} from './job-schemas.ts'

export interface JobView {
  readonly name: string
  readonly scope: StreamScope
  readonly columns: readonly ViewColumn[]
  readonly sql: ViewSql
}

/** Makes a view of each stream that the job has read, of what is known of its records; writes nothing. */
export async function viewsOfJob(
  warehouse: Warehouse,
  config: Config,
  job: string,
  {name, tables = config.warehouse.tables}: {readonly name?: string | undefined; readonly tables?: TableSet} = {},
): Promise<readonly JobView[]> {
  const schemas = await readJobSchemas(warehouse, tables, config, job)
  if (schemas.length === 0)
    throw usageError(`${job} has read nothing into ${tables.rawObjects} yet, so there is nothing to view`, {
      code: 'E_TABLE_MISSING',
      next: `Run it first: lorchestra run ${job}`,
    })
  if (name !== undefined && schemas.length > 1)
    throw usageError(`${job} reads ${schemas.length} streams, which cannot have one view`, {
      code: 'E_USAGE_FLAGS',
      next: 'Leave --name out: each view is called after its stream.',
    })
  const views: JobView[] = []
  for (const {scope, events} of schemas) {
    const view = name ?? viewNameOf(scope.stream)
    assertViewName(view, config.warehouse.tables)
    const columns = viewColumns(knownSchema(events).facts())
    views.push({name: view, scope, columns, sql: await warehouse.viewSql({tables, stream: scope.stream, columns})})
  }
  return views
}

export interface LostValues {
  readonly column: ViewColumn
  readonly lost: number
}

/** Counts what the view would make NULL, or another number, of; reads the payloads of the stream. */
export async function lostValues(
  warehouse: Warehouse,
  {columns, sql}: JobView,
  priced?: (bytes: number) => void,
): Promise<readonly LostValues[]> {
  const answer = await warehouse.query({sql: sql.losses, rows: 1, ...(priced !== undefined && {priced})})
  let counts: readonly unknown[] = []
  for await (const [row = []] of answer.pages) counts = row
  return columns.map((column, index) => ({column, lost: Number(counts[index] ?? 0)}))
}
