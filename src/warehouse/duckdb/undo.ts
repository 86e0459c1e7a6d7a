import type {DuckDBConnection} from '@duckdb/node-api'

import {RESTORED} from '../../model/raw-object-columns.ts'
import type {TableSet} from '../../model/tables.ts'
import {assertInsertedRows, notKept, rowsDiffer, type RunsToUndo, type Undo, type UndoneRows} from '../undo.ts'
import {makeRoomForIndex} from './commit.ts'
import {insertEvents} from './events.ts'
import {FORMER_PAYLOADS, formerPayloadsExist} from './former-payloads.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {ofStreams} from './staging.ts'

/** Finds what an undo would do, and makes `restored_key$`. Writes temporary tables alone; throws where it must not be done. */
export async function findRowsToUndo(
  connection: DuckDBConnection,
  tables: TableSet,
  undo: RunsToUndo,
): Promise<readonly UndoneRows[]> {
  const table = tableNamed(tables.rawObjects)
  const written: {readonly removed: number; readonly others: number}[] = []
  for (const {stream, inserted} of undo.streams) {
    const [row] = await rowsOf(
      connection,
      `SELECT count(*) FILTER (${isOneOf('first_seen', undo.insertedAt)})::DOUBLE AS inserted,
              count(*) FILTER (${isOneOf('last_seen', undo.writtenAt)} AND NOT ${isOneOf('first_seen', undo.insertedAt)})::DOUBLE AS others
       FROM ${table} WHERE ${ofStreams([stream])}`,
    )
    const removed = Number(row?.['inserted'])
    assertInsertedRows(stream, removed, inserted)
    written.push({removed, others: Number(row?.['others'])})
  }
  await findFormer(connection, table, undo)
  const undone: UndoneRows[] = []
  for (const [index, {stream}] of undo.streams.entries()) {
    const [row] = await rowsOf(
      connection,
      `SELECT count(*)::DOUBLE AS rows FROM restored_key$ WHERE ${ofStreams([stream])}`,
    )
    const {removed = 0, others = 0} = written[index] ?? {}
    const restored = Number(row?.['rows'])
    undone.push({stream, removed, restored, left: others - restored, isExact: true})
  }
  return undone
}

/** Takes the rows of runs back within the caller's transaction, and then writes the events. */
export async function undoRows(
  connection: DuckDBConnection,
  tables: TableSet,
  undo: Undo,
): Promise<readonly UndoneRows[]> {
  const table = tableNamed(tables.rawObjects)
  const rows = await findRowsToUndo(connection, tables, undo)
  const restored = rows.reduce((sum, one) => sum + one.restored, 0)
  const removed = rows.reduce((sum, one) => sum + one.removed, 0)
  await makeRoomForIndex(connection, {written: restored, deleted: restored + removed})
  if (restored > 0) {
    const former = RESTORED.map((name) => `former.${name} AS ${name}`).join(', ')
    await connection.run(
      `CREATE TEMP TABLE restored$ AS
       SELECT stored.* REPLACE (${former})
       FROM ${table} AS stored JOIN restored_key$ ON stored.rowid = stored_row
       JOIN ${FORMER_PAYLOADS} AS former ON former.rowid = former_row`,
    )
    await connection.run(`DELETE FROM ${table} WHERE rowid IN (SELECT stored_row FROM restored_key$)`)
  }
  if (removed > 0) await connection.run(`DELETE FROM ${table} WHERE ${areInserted(undo)}`)
  if (restored > 0) await connection.run(`INSERT INTO ${table} BY NAME FROM restored$`)
  if (await formerPayloadsExist(connection)) {
    await connection.run(`DELETE FROM ${FORMER_PAYLOADS} WHERE run_id IN (${idsOf(undo)})`)
  }
  await insertEvents(connection, tables, undo.events(rows))
  return rows
}

/** Makes `restored_key$`: the stored row of each key that has a former payload, and where the oldest one is kept. */
async function findFormer(connection: DuckDBConnection, table: string, undo: RunsToUndo): Promise<void> {
  const exist = await formerPayloadsExist(connection)
  const kept = exist
    ? await rowsOf(
        connection,
        `SELECT run_id, count(idem_key)::DOUBLE AS kept, count(*)::DOUBLE AS rows FROM ${FORMER_PAYLOADS}
         WHERE run_id IN (${idsOf(undo)}) GROUP BY run_id`,
      )
    : []
  for (const {runId, updated} of undo.runs) {
    const found = kept.find((row) => row['run_id'] === runId)
    const [copies, rows] = [Number(found?.['kept'] ?? 0), Number(found?.['rows'] ?? 0)]
    if (rows > copies) throw notKept(runId, 'a commit of it changed more than is kept at once')
    if (copies === updated) continue
    throw copies === 0
      ? notKept(runId, 'the former payloads are not kept, or not any more (undo: under warehouse: says for how long)')
      : notKept(runId, `${copies} former payloads are kept of ${updated}`)
  }
  if (!exist) {
    await connection.run(`CREATE TEMP TABLE restored_key$ AS SELECT source_system, object_type FROM ${table} LIMIT 0`)
    return
  }
  const order = `list_position([${idsOf(undo)}], run_id)::BIGINT * 1000000000 + commit_number`
  await connection.run(
    `CREATE TEMP TABLE restored_key$ AS
     SELECT stored.source_system, stored.object_type, stored.rowid AS stored_row, former_row, ${isOneOf('stored.last_seen', undo.writtenAt)} AS is_theirs
     FROM (SELECT idem_key, arg_min(rowid, ${order}) AS former_row FROM ${FORMER_PAYLOADS}
           WHERE run_id IN (${idsOf(undo)}) GROUP BY idem_key) AS kept
     LEFT JOIN (SELECT rowid, *, ${areInserted(undo)} AS is_inserted FROM ${table}) AS stored USING (idem_key)
     WHERE is_inserted IS NOT TRUE`,
  )
  const [strange] = await rowsOf(
    connection,
    'SELECT count(*)::DOUBLE AS rows FROM restored_key$ WHERE is_theirs IS NOT TRUE',
  )
  const rows = Number(strange?.['rows'])
  if (rows > 0) throw rowsDiffer(`${rows} rows that these runs changed are gone, or were written to since`)
}

const areInserted = ({streams, insertedAt}: RunsToUndo): string =>
  `${ofStreams(streams.map(({stream}) => stream))} AND ${isOneOf('first_seen', insertedAt)}`

const isOneOf = (column: string, instants: readonly Date[]): string =>
  instants.length === 0
    ? 'false'
    : `${column} IN (${instants.map((at) => `${literal(at.toISOString())}::TIMESTAMPTZ`).join(', ')})`

const idsOf = ({runs}: RunsToUndo): string => runs.map(({runId}) => literal(runId)).join(', ')
