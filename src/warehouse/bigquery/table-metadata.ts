import * as z from 'zod'

import type {TableDefinition} from '../../model/tables.ts'
import type {Connection} from './connection.ts'
import {isDuplicate, isNotFound} from './service-error.ts'

const fieldShape = z.looseObject({
  name: z.string(),
  type: z.string(),
  mode: z.string().optional(),
  collation: z.string().optional(),
})

/** The service describes a table like this. */
const tableShape = z.looseObject({
  type: z.string().optional(),
  schema: z.looseObject({fields: z.array(fieldShape).optional()}).optional(),
  requirePartitionFilter: z.boolean().optional(),
})

export type Table = z.infer<typeof tableShape>

/** Answers `undefined` where the service says that it is not there, and throws where it must not be looked at. */
export async function findTable(
  connection: Connection,
  table: string,
  signal?: AbortSignal,
): Promise<Table | undefined> {
  try {
    return tableShape.parse(
      await connection.request({
        method: 'GET',
        path: connection.pathOf(table),
        what: `looking at table ${table}`,
        signal,
      }),
    )
  } catch (error) {
    if (isNotFound(error)) return undefined
    throw error
  }
}

/** Answers true where this call made it. */
export async function createTable(connection: Connection, table: string, metadata: object): Promise<boolean> {
  const tableReference = connection.referenceTo(table)
  try {
    await connection.request({
      method: 'POST',
      path: `/datasets/${tableReference.datasetId}/tables`,
      body: {...metadata, tableReference},
      what: `creating table ${table}`,
    })
    return true
  } catch (error) {
    if (isDuplicate(error)) return false
    throw error
  }
}

/** Has the service remove the table then, or never where it is `null`. Whatever else is said of the table stays. */
export async function setExpiry(connection: Connection, table: string, at: Date | null): Promise<void> {
  await connection.request({
    method: 'PATCH',
    path: connection.pathOf(table),
    body: {expirationTime: at === null ? null : String(at.getTime())},
    what: `setting when table ${table} expires`,
  })
}

export async function deleteTable(connection: Connection, table: string): Promise<void> {
  try {
    await connection.request({
      method: 'DELETE',
      path: connection.pathOf(table),
      what: `deleting table ${table}`,
    })
  } catch (error) {
    if (!isNotFound(error)) throw error
  }
}

const listShape = z.object({
  tables: z.array(z.object({tableReference: z.object({tableId: z.string()})})).optional(),
  nextPageToken: z.string().optional(),
})

export async function tablesThatBegin(connection: Connection, start: string, signal?: AbortSignal): Promise<string[]> {
  const found: string[] = []
  for (let token: string | undefined = ''; token !== undefined;) {
    const {tables = [], nextPageToken}: z.infer<typeof listShape> = listShape.parse(
      await connection.request({
        method: 'GET',
        path: `/datasets/${connection.referenceTo(start).datasetId}/tables`,
        query: {maxResults: '1000', ...(token !== '' && {pageToken: token})},
        what: `looking for tables that begin with ${start}`,
        signal,
      }),
    )
    found.push(...tables.map(({tableReference}) => tableReference.tableId).filter((name) => name.startsWith(start)))
    token = nextPageToken === '' ? undefined : nextPageToken
  }
  return found
}

/** A new table that says so itself does not get this from its dataset: keys that differ in case are different ones. */
export const WITHOUT_DEFAULTS = {defaultCollation: ''}

/** Describes the table that lorchestra itself makes, where a key of one's own protects it by that. */
export function builtInMetadata(definition: TableDefinition, kmsKey?: string): object {
  return {
    ...WITHOUT_DEFAULTS,
    schema: {
      fields: definition.columns.map(({name, type, required, description}) => ({
        name,
        type,
        mode: required ? 'REQUIRED' : 'NULLABLE',
        description,
      })),
    },
    ...(kmsKey !== undefined && {encryptionConfiguration: {kmsKeyName: kmsKey}}),
    clustering: {fields: definition.clusteredBy},
    ...(definition.dayPartition !== undefined && {timePartitioning: {type: 'DAY', field: definition.dayPartition}}),
    ...(definition.primaryKey !== undefined && {tableConstraints: {primaryKey: {columns: [definition.primaryKey]}}}),
  }
}

const COPIED = [
  'schema',
  'timePartitioning',
  'rangePartitioning',
  'requirePartitionFilter',
  'clustering',
  'tableConstraints',
  'defaultCollation',
  'defaultRoundingMode',
  'description',
  'friendlyName',
  'labels',
  'encryptionConfiguration',
  'maxStaleness',
] as const

/** Picks all of a table's definition that a copy must share. */
export function copiedMetadata(table: Table): Readonly<Record<string, unknown>> {
  const copy: Record<string, unknown> = {}
  for (const name of COPIED) {
    const value = table[name]
    if (value !== undefined) copy[name] = value
  }
  return copy
}
