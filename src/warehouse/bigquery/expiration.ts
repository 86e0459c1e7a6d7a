import * as z from 'zod'

import {usageError} from '../../base/errors.ts'
import type {TableDefinition} from '../../model/tables.ts'
import type {Connection} from './connection.ts'
import {isForbidden} from './service-error.ts'
import {findTable, setExpiry, type Table} from './table-metadata.ts'

const DAY = 24 * 60 * 60 * 1000

/** An undo needs what the last days logged, and a job that is read less often than this would begin anew. */
const SHORTEST_RETENTION = 90 * DAY
/** Says that somebody wanted the end of partitions, and for how long they are kept. */
const RETENTION_LABEL = 'lorchestra_log_retention'

const ends = z.looseObject({
  expirationTime: z.string().optional(),
  timePartitioning: z.looseObject({expirationMs: z.string().optional()}).optional(),
  labels: z.record(z.string(), z.string()).optional(),
})
const defaults = z.looseObject({defaultPartitionExpirationMs: z.string().optional()})

/** Throws where a new table with partitions would get an end of each from its dataset: no request that makes it can say otherwise. */
export async function assertPartitionsWouldLast(connection: Connection): Promise<void> {
  const {project, dataset} = connection
  const milliseconds = await defaultPartitionExpiration(connection)
  if (milliseconds === undefined) return
  throw usageError(
    `the dataset ${project}.${dataset} has BigQuery remove the partitions of new tables after ${inDays(milliseconds)}, and with them what runs have covered`,
    {
      code: 'E_TABLE_EXPIRES',
      next: `Take that from the dataset (bq update --default_partition_expiration 0 ${project}:${dataset}), or name another one.`,
    },
  )
}

/** A dataset that may not be looked at says nothing; what was made in it is looked at afterwards. */
async function defaultPartitionExpiration(connection: Connection): Promise<string | undefined> {
  const {project, dataset} = connection
  try {
    const answer = await connection.request({
      method: 'GET',
      path: `/datasets/${dataset}`,
      what: `looking at dataset ${project}.${dataset}`,
    })
    return defaults.parse(answer).defaultPartitionExpirationMs
  } catch (error) {
    if (isForbidden(error)) return undefined
    throw error
  }
}

/** Takes the end from a table that was just made: left out when it is made, it would be that of the dataset. */
export async function keepForGood(connection: Connection, name: string): Promise<Table | undefined> {
  const made = await findTable(connection, name)
  if (made === undefined || ends.parse(made).expirationTime === undefined) return made
  await setExpiry(connection, name, null)
  return findTable(connection, name)
}

/** Says of a table with partitions that each is removed so many milliseconds after its day, and that this is wanted. */
export const logRetention = ({dayPartition}: TableDefinition, milliseconds: number): object => ({
  timePartitioning: {type: 'DAY', field: dayPartition, expirationMs: String(milliseconds)},
  labels: {[RETENTION_LABEL]: labelOf(milliseconds)},
})

export async function setLogRetention(
  connection: Connection,
  name: string,
  definition: TableDefinition,
  milliseconds: number,
): Promise<void> {
  await connection.request({
    method: 'PATCH',
    path: connection.pathOf(name),
    body: logRetention(definition, milliseconds),
    what: `setting how long table ${name} keeps events`,
  })
}

/** Gives the milliseconds for which a log keeps its partitions, where `warehouse create` set that; `undefined`: for good, or not so. */
export function logRetentionOf(table: Table): number | undefined {
  const {timePartitioning, labels} = ends.parse(table)
  const milliseconds = Number(timePartitioning?.expirationMs)
  return milliseconds >= SHORTEST_RETENTION && labels?.[RETENTION_LABEL] === labelOf(milliseconds)
    ? milliseconds
    : undefined
}

const labelOf = (milliseconds: number): string => `${Math.round(milliseconds / DAY)}d`

export function assertLongEnough(milliseconds: number): void {
  if (milliseconds >= SHORTEST_RETENTION && milliseconds % DAY === 0) return
  throw usageError('the event log must keep its events for whole days, and 90 at least', {
    code: 'E_USAGE_FLAGS',
    next: 'Nothing was changed. For example: --log-retention 400d.',
  })
}

/**
 * Throws where BigQuery will remove the table, or parts of it, by itself: rows, or what runs have covered, would be gone. Old
 * partitions of a log may go where that was asked for: what they tell is carried.
 */
export function assertLasts(
  {project, dataset}: Connection,
  [name, definition]: readonly [string, TableDefinition],
  table: Table,
): void {
  const {expirationTime, timePartitioning} = ends.parse(table)
  if (expirationTime !== undefined) {
    throw usageError(`BigQuery removes the table ${name} at ${new Date(Number(expirationTime)).toISOString()}`, {
      code: 'E_TABLE_EXPIRES',
      next: `Have it stay, and run again: bq update --expiration 0 ${project}:${dataset}.${name}`,
    })
  }
  const expirationMs = timePartitioning?.expirationMs
  if (expirationMs === undefined) return
  if (definition.dayPartition !== undefined && logRetentionOf(table) !== undefined) return
  throw usageError(
    `BigQuery removes the partitions of the table ${name} after ${inDays(expirationMs)}, and with them what runs have stored or covered`,
    {
      code: 'E_TABLE_EXPIRES',
      next: `Have them stay, and run again: bq update --time_partitioning_expiration 0 ${project}:${dataset}.${name}${
        definition.dayPartition === undefined
          ? ''
          : '. Old events may go: lorchestra warehouse create --log-retention 400d'
      }`,
    },
  )
}

const inDays = (milliseconds: string): string => `${Math.round((Number(milliseconds) / DAY) * 10) / 10} days`
