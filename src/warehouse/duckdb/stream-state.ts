import type {DuckDBConnection} from '@duckdb/node-api'

import type {EventType} from '../../model/events.ts'
import type {TableSet} from '../../model/tables.ts'
import type {TimeWindow} from '../../model/window.ts'
import {FROM_THE_START, islands, windowIn} from '../coverage-sql.ts'
import {parseBookmark, parseCheckpoint} from '../event-rows.ts'
import {SCHEMA_EVENTS, schemaEventsIn} from '../schema-events.ts'
import {NOTHING_COVERED, type SchemaEvent, type StreamScope, type StreamState} from '../warehouse.ts'
import {tableExists} from './definitions.ts'
import {assertRowsAreNotMissed} from './missed-rows.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {assertKnown, isNotUndone} from './undone-runs.ts'

export async function readStreamStates(
  connection: DuckDBConnection,
  tables: TableSet,
  scopes: readonly StreamScope[],
): Promise<readonly StreamState[]> {
  if (!(await tableExists(connection, tables.eventLog))) return scopes.map(() => NOTHING_COVERED)
  await assertKnown(connection, tables)
  await assertRowsAreNotMissed(connection, tables)
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
  const bookmark = await newest(connection, tables, scope, {value: "payload->'$.bookmark'"})
  // What covers anything ended the reading that a checkpoint before it was of.
  const orEnded = "OR (payload->>'$.limited') = 'false'"
  const checkpoint = await newest(connection, tables, scope, {value: "payload->'$.checkpoint'", orEnded})
  const sweptAt = await newestSweep(connection, tables, scope)
  const identity = await newestIdentity(connection, tables, scope)
  return {
    covered,
    otherSelectionCovered: covered.length === 0 && (await hasOtherSelection(connection, tables, scope)),
    ...(bookmark !== undefined && {bookmark: parseBookmark(bookmark)}),
    ...(checkpoint !== undefined && {checkpoint: parseCheckpoint(checkpoint)}),
    ...(sweptAt !== undefined && {sweptAt}),
    ...(identity !== undefined && {identity}),
    schema: await readSchemaEvents(connection, tables, scope),
  }
}

// `payload.schema` guards against events that another tool or a later version wrote.
const logged = (tables: TableSet, type: EventType): string =>
  `SELECT payload, created_at FROM ${tableNamed(tables.eventLog)}
   WHERE event_type = ${literal(type)} AND status = 'ok' AND (payload->>'$.schema') = '1' AND ${isNotUndone(tables)}
     AND source_system = $sourceSystem AND object_type = $objectType
     AND (payload->>'$.account') IS NOT DISTINCT FROM $account`

const completed = (tables: TableSet): string => logged(tables, 'ingestion.completed')

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
  {value, orEnded = ''}: {readonly value: string; readonly orEnded?: string},
): Promise<string | undefined> {
  const rows = await rowsOf(
    connection,
    `SELECT (${value}) AS value FROM (${completed(tables)} AND ${ofJob} AND ((${value}) IS NOT NULL ${orEnded}))
     ORDER BY created_at DESC, TRY_CAST(payload->>'$.commit' AS INTEGER) DESC NULLS LAST LIMIT 1`,
    parametersOf(scope),
  )
  const found = rows[0]?.['value']
  return typeof found === 'string' ? found : undefined
}

async function newestSweep(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
): Promise<number | undefined> {
  const rows = await rowsOf(
    connection,
    `SELECT epoch_ms(max(created_at))::DOUBLE AS swept FROM (${logged(tables, 'keys.swept')} AND ${ofJob})`,
    parametersOf(scope),
  )
  const found = rows[0]?.['swept']
  return typeof found === 'number' ? found : undefined
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

/** The shape of records belongs to the stream, whatever job or selection read them. */
async function readSchemaEvents(
  connection: DuckDBConnection,
  tables: TableSet,
  scope: StreamScope,
): Promise<readonly SchemaEvent[]> {
  const {sourceSystem, objectType} = parametersOf(scope)
  const rows = await rowsOf(
    connection,
    `SELECT event_type, correlation_id, epoch_ms(created_at)::DOUBLE AS created_ms, payload
     FROM ${tableNamed(tables.eventLog)}
     WHERE source_system = $sourceSystem AND object_type = $objectType AND event_type IN (${SCHEMA_EVENTS})
       AND ${isNotUndone(tables)}
     ORDER BY created_at, rowid`,
    {sourceSystem, objectType},
  )
  return schemaEventsIn(rows)
}

const parametersOf = ({job, account, selection, stream}: StreamScope) => ({
  job,
  account,
  selection,
  sourceSystem: stream.sourceSystem,
  objectType: stream.objectType,
})
