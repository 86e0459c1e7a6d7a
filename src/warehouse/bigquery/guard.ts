import {datasetOf, nameIn, type Datasets, type TableReference} from './names.ts'
import {withoutConstants} from './sql.ts'

/** A run may write its own tables and the temporary ones whose names begin so, each in its own dataset, and nothing else. */
export interface WritableNames {
  readonly tables: readonly string[]
  readonly prefixes: readonly string[]
  /** A statement that writes may read these, behind FROM or JOIN, and nothing else. */
  readonly readOnly?: readonly string[]
  /** When these expire may be changed, and nothing else of them by that request. */
  readonly expiring?: readonly string[]
  /** How long their partitions stay may be changed, with the label that says so, and nothing else of them by that request. */
  readonly retained?: readonly string[]
}

interface OutgoingRequest {
  readonly method: string
  readonly path: string
  readonly body?: object
}

interface OutgoingBody {
  readonly tableReference?: TableReference
  readonly configuration?: {
    readonly query?: {readonly query: string; readonly destinationTable?: unknown}
    readonly load?: {readonly destinationTable: TableReference}
  }
}

/** The service answers with the permissions of who asks, and changes nothing. */
const ASKS_FOR_RIGHTS = /^\/datasets\/[^/]+\/tables\/[^/]+:testIamPermissions$/
const READING = /^\s*(SELECT|WITH)\b/i

/** Tells whether this is one statement that only reads, and no script. */
export function isOneReading(sql: string): boolean {
  const bare = withoutConstants(sql)
  return READING.test(bare) && !bare.includes(';')
}

/**
 * Refuses every request that could change a table which is not the run's own. It knows only what is allowed: a
 * statement that is no plain SELECT may not even read another table.
 */
export function assertWritable(
  datasets: Datasets,
  writable: WritableNames | undefined,
  request: OutgoingRequest,
): void {
  const {method, path, body} = request
  if (method === 'GET' || ASKS_FOR_RIGHTS.test(path)) return
  const {tableReference, configuration} = (body ?? {}) as OutgoingBody
  if (method === 'DELETE') {
    const found = /^\/datasets\/([^/]+)\/tables\/([^/]+)$/.exec(path)
    return assertNames(datasets, writable, [`${datasets.project}.${found?.[1] ?? '?'}.${found?.[2] ?? '?'}`])
  }
  if (method === 'PATCH') return assertOnlyExpires(datasets, writable, request)
  if (tableReference !== undefined && path === `/datasets/${tableReference.datasetId}/tables`) {
    return assertNames(datasets, writable, [nameOf(tableReference)])
  }
  if (path !== '/jobs') throw new Error(`a request to ${path} is not one that lorchestra makes`)
  if (configuration?.load !== undefined) {
    return assertNames(datasets, writable, [nameOf(configuration.load.destinationTable)])
  }
  const query = configuration?.query
  if (query === undefined || query.destinationTable !== undefined) throw new Error('a job of an unknown kind')
  if (isOneReading(query.query)) return
  const sql = withoutConstants(query.query)
  const names = [...sql.matchAll(/`([^`]+)`/g)]
  if (names.length === 0) throw new Error('a statement that names no table')
  const written = names.filter(({1: name, index}) => !isOnlyRead(datasets, writable, name ?? '', sql.slice(0, index)))
  assertNames(
    datasets,
    writable,
    written.map((match) => match[1] ?? ''),
  )
}

function assertOnlyExpires(
  datasets: Datasets,
  writable: WritableNames | undefined,
  {path, body = {}}: OutgoingRequest,
): void {
  const isOf = (name: string): boolean => path === `/datasets/${datasetOf(datasets, name)}/tables/${name}`
  const changed = Object.keys(body).toSorted().join()
  if (changed === 'expirationTime' && (writable?.expiring ?? []).some(isOf)) return
  if (changed === 'labels,timePartitioning' && (writable?.retained ?? []).some(isOf)) return
  throw new Error(`a change of ${path} that is no new end of a table of this run was refused`)
}

function isOnlyRead(datasets: Datasets, writable: WritableNames | undefined, name: string, before: string): boolean {
  const isKnown = (writable?.readOnly ?? []).some((table) => name === nameIn(datasets, table))
  return isKnown && /\b(FROM|JOIN)\s+$/.test(before) && !/\bDELETE\s+FROM\s+$/.test(before)
}

const nameOf = (table: TableReference): string => `${table.projectId}.${table.datasetId}.${table.tableId}`

function assertNames(datasets: Datasets, writable: WritableNames | undefined, names: readonly string[]): void {
  for (const name of names) {
    const table = name.slice(name.lastIndexOf('.') + 1)
    const allowed =
      name === nameIn(datasets, table) &&
      writable !== undefined &&
      (writable.tables.includes(table) || writable.prefixes.some((prefix) => table.startsWith(prefix)))
    if (!allowed) throw new Error(`a write to ${name}, which is not one of this run's tables, was refused`)
  }
}
