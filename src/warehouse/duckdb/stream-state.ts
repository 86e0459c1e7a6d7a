import type {DuckDBConnection} from '@duckdb/node-api'

import type {TableSet} from '../../model/tables.ts'
import type {TimeWindow} from '../../model/window.ts'
import {FROM_THE_START, islands, windowIn} from '../coverage-sql.ts'
import {parseBookmark} from '../event-rows.ts'
import {NOTHING_COVERED, type StreamScope, type StreamState} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {rowsOf, tableNamed} from './sql.ts'
import {assertKnown, isNotUndone} from './undone-runs.ts'

export async function readStreamStates(
  connection: DuckDBConnection,
  tables: TableSet,
  scopes: readonly StreamScope[],
): Promise<readonly StreamState[]> {
  if (!(await tableExists(connection, tables.eventLog))) return scopes.map(() => NOTHING_COVERED)
  await assertKnown(connection, tables)
  const states: StreamState[] = []
  for (const scope of scopes) states.push(await readStreamState(connection, tables, scope))
  return states
}

async function readStreamState(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
): Promise<StreamState> {
  const covered = await coveredWindows(connection, tables, scope)
  const bookmark = await newest(connection, tables, scope, "(payload->'$.bookmark')")
  const identity = await newestIdentity(connection, tables, scope)
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && (await hasOtherSelection(connection, tables, scope)),
    ...(bookmark !== undefined && {bookmark: parseBookmark(bookmark)}),
    ...(identity !== undefined && {identity}),
  }
}

// `payload.schema` guards against events that another tool or a later version wrote.
const completed = (tables: TableSet): string =>
  `SELECT payload, created_at FROM ${tableNamed(tables.eventLog)}
   WHERE event_type = 'ingestion.completed' AND status = 'ok' AND (payload->>'$.schema') = '1' AND ${isNotUndone(tables)}
     AND source_system = $sourceSystem AND object_type = $objectType
     AND (payload->>'$.account') IS NOT DISTINCT FROM $account`

const ofJob = `(payload->>'$.job') = $job AND (payload->>'$.selection') = $selection`

async function coveredWindows(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
): Promise<readonly TimeWindow[]> {
  const rows = await rowsOf(
    connection,
    `WITH windows AS (
       SELECT coalesce(epoch_ms((payload->>'$.window.since')::TIMESTAMPTZ), ${FROM_THE_START})::DOUBLE AS since,
              epoch_ms((payload->>'$.window.until')::TIMESTAMPTZ)::DOUBLE AS until
       FROM (${completed(tables)} AND ${ofJob} AND (payload->>'$.limited') = 'false')
     ), ${islands()}
     SELECT min(since) AS since, max(until) AS until FROM islands GROUP BY island ORDER BY since`,
    parametersOf(scope),
  )
  return rows.map(windowIn)
}

async function hasOtherSelection(connection: DuckDBConnection, tables: TableSet, scope: StreamScope): Promise<boolean> {
  const {selection: _, ...parameters} = parametersOf(scope)
  const rows = await rowsOf(
    connection,
    `SELECT 1 FROM (${completed(tables)} AND (payload->>'$.job') = $job AND (payload->>'$.limited') = 'false') LIMIT 1`,
    parameters,
  )
  return rows.length > 0
}

async function newest(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
  value: string,
): Promise<string | undefined> {
  const rows = await rowsOf(
    connection,
    `SELECT ${value} AS value FROM (${completed(tables)} AND ${ofJob} AND ${value} IS NOT NULL)
     ORDER BY created_at DESC LIMIT 1`,
    parametersOf(scope),
  )
  const found = rows[0]?.['value']
  return typeof found === 'string' ? found : undefined
}

/** Whose data it is belongs to the account, whatever job or selection read it. */
async function newestIdentity(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
): Promise<string | undefined> {
  const {sourceSystem, objectType, account} = parametersOf(scope)
  const rows = await rowsOf(
    connection,
    `SELECT (payload->>'$.identity') AS identity FROM (${completed(tables)} AND (payload->>'$.identity') IS NOT NULL)
     ORDER BY created_at DESC LIMIT 1`,
    {sourceSystem, objectType, account},
  )
  const found = rows[0]?.['identity']
  return typeof found === 'string' ? found : undefined
}

const parametersOf = ({job, account, selection, stream}: StreamScope) => ({
  job,
  account,
  selection,
  sourceSystem: stream.sourceSystem,
  objectType: stream.objectType,
})
