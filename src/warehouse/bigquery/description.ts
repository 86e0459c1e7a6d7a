import * as z from 'zod'

import {FROM_THE_START, islands, SCOPE} from '../coverage-sql.ts'
import {describedStreams} from '../described-streams.ts'
import {setNameOf, type TableSet} from '../../model/tables.ts'
import type {DescribedStream, DescribedTable} from '../warehouse.ts'
import {carriedStates, reachesBackTo, sinceOfTakenBack, type LogPart} from './carried-state.ts'
import type {Connection} from './connection.ts'
import {logRetentionOf} from './expiration.ts'
import {tryJob} from './jobs.ts'
import {STAGING} from './names.ts'
import type {Queries} from './query.ts'
import {ANY_TIME, since} from './sql.ts'
import {findTable} from './table-metadata.ts'
import {isNotUndone} from './undone-runs.ts'

const sizes = z.looseObject({
  numRows: z.string().optional(),
  numBytes: z.string().optional(),
  expirationTime: z.string().optional(),
  timePartitioning: z.looseObject({type: z.string().optional(), field: z.string().optional()}).optional(),
  clustering: z.looseObject({fields: z.array(z.string()).optional()}).optional(),
})

export async function describeTable(
  connection: Connection,
  name: string,
  signal: AbortSignal,
): Promise<DescribedTable> {
  const table = await findTable(connection, name, signal)
  if (table === undefined) return {name, exists: false}
  const {numRows, numBytes, expirationTime, timePartitioning, clustering} = sizes.parse(table)
  const retention = logRetentionOf(table)
  return {
    name,
    exists: true,
    ...(numRows !== undefined && {rows: Number(numRows)}),
    ...(numBytes !== undefined && {bytes: Number(numBytes)}),
    ...(expirationTime !== undefined && {expires: Number(expirationTime)}),
    ...(timePartitioning !== undefined && {
      partitionedBy: `${timePartitioning.field ?? 'ingestion time'} (${timePartitioning.type ?? 'DAY'})`,
    }),
    ...(retention !== undefined && {retention}),
    ...(clustering?.fields !== undefined && {clusteredBy: clustering.fields}),
  }
}

export async function describeStreams(
  queries: Queries,
  eventLog: string,
  part: LogPart,
  signal: AbortSignal,
): Promise<readonly DescribedStream[]> {
  const scope = SCOPE.join(', ')
  const reaches = reachesBackTo(part)
  const rows = await queries.rows({
    sql: `WITH ${carriedStates(eventLog, part, 'TRUE')}, newest AS (
  SELECT event_id FROM (
    SELECT carried.event_id, ROW_NUMBER() OVER (PARTITION BY ${SCOPE.map((name) => `carried.${name}`).join(', ')} ORDER BY counting.at_ms DESC) AS place
    FROM carried JOIN counting ON counting.event_id = carried.event_id${
      reaches === -Infinity
        ? ''
        : `
    WHERE counting.at_ms >= ${reaches}`
    }
  ) WHERE place = 1
), told AS (
  SELECT event_id, ${scope}, JSON_VALUE(one, '$.kind') AS kind, JSON_VALUE(one, '$.since') AS since, JSON_VALUE(one, '$.until') AS until,
         JSON_VALUE(one, '$.made') AS made
  FROM carried, UNNEST(JSON_QUERY_ARRAY(payload, '$.rows')) AS one WHERE event_id IN (SELECT event_id FROM newest)
), committed AS (
  SELECT event_id, DIV(MAX(CAST(made AS INT64)), 1000) AS committed FROM told WHERE kind = 'checkpoint' GROUP BY event_id
), windows AS (
  SELECT JSON_VALUE(payload, '$.job') AS job, JSON_VALUE(payload, '$.account') AS account, source_system, object_type,
         JSON_VALUE(payload, '$.selection') AS selection, UNIX_MILLIS(created_at) AS committed,
         IF(JSON_VALUE(payload, '$.window.since') IS NULL, ${FROM_THE_START},
            UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.window.since')))) AS since,
         UNIX_MILLIS(TIMESTAMP(JSON_VALUE(payload, '$.window.until'))) AS until
  FROM ${eventLog}
  WHERE ${since(part.since)} AND event_type = 'ingestion.completed' AND status = 'ok' AND JSON_VALUE(payload, '$.schema') = '1'
    AND JSON_VALUE(payload, '$.limited') = 'false' AND ${isNotUndone(eventLog, sinceOfTakenBack(part))}
  UNION ALL
  SELECT ${SCOPE.map((name) => `told.${name}`).join(', ')}, committed.committed, CAST(told.since AS INT64) AS since, CAST(told.until AS INT64) AS until
  FROM told JOIN committed ON committed.event_id = told.event_id WHERE told.kind = 'covered'
), ${islands(SCOPE)}
SELECT ${scope}, CAST(MIN(since) AS STRING) AS since, CAST(MAX(until) AS STRING) AS until, CAST(MAX(committed) AS STRING) AS committed
FROM islands GROUP BY ${scope}, island`,
    what: 'reading how far streams are covered',
    signal,
  })
  return describedStreams(rows.toSorted((one, other) => Number(one['since']) - Number(other['since'])))
}

/**
 * Asks for dry runs of the service, which checks permissions and writes nothing: of changing rows, and of making and dropping
 * what a run stages.
 */
export async function checkPermissions(connection: Connection, tables: TableSet): Promise<void> {
  const staging = connection.tableName(`${STAGING[setNameOf(tables)]}check`)
  const probes = [
    {sql: `DELETE FROM ${connection.tableName(tables.eventLog)} WHERE ${ANY_TIME} AND FALSE`, table: tables.eventLog},
    {sql: `DELETE FROM ${connection.tableName(tables.rawObjects)} WHERE FALSE`, table: tables.rawObjects},
    {sql: `CREATE TABLE ${staging} (checked BOOL)`, table: undefined},
    {sql: `DROP TABLE IF EXISTS ${staging}`, table: undefined},
  ]
  for (const {sql: query, table} of probes) {
    const what =
      table === undefined
        ? 'asking whether staging tables may be made and dropped'
        : `asking whether table ${table} may be written`
    await tryJob(connection, {query: {query, useLegacySql: false}}, {what})
  }
}
