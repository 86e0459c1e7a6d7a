import type {DuckDBConnection} from '@duckdb/node-api'

import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import {RAW_OBJECTS, type RunValues} from '../../model/tables.ts'
import {isAnotherValue} from '../comparison.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import type {CommitResult, RunToBegin} from '../warehouse.ts'
import {digestOf, type CommitBatch, type CommitCounts, type CommitEvents, type RowCounts} from '../commit-batch.ts'
import {
  assertAllWereRead,
  countClasses,
  countSurplusKeys,
  dropEqualValues,
  findChangedTexts,
  findStoredKeys,
  stageChanged,
  type ClassCounts,
} from './classify.ts'
import {MEMORY_LIMIT, THREADS} from './connection.ts'
import {columnsOf} from './definitions.ts'
import {countFirstRejects, insertEventFiles, insertEvents} from './events.ts'
import {keepFormer, pruneFormer, type KeepFormer} from './former-payloads.ts'
import {
  changedColumns,
  insertedColumns,
  KEPT_NAMES,
  readAgain,
  readAgainWhere,
  type RunValuesOrStaged,
} from './raw-object-sql.ts'
import {isOnItsOwn, rewriteTable} from './rewrite.ts'
import {identifier, rowsOf, tableNamed} from './sql.ts'
import {NO_DIGESTS, saltedDigests, stage, stageKeys} from './staging.ts'

/** Measured with keys of 40 bytes: 500 MB at the commit of two million rows that were deleted and written. */
const INDEX_BYTES_PER_ROW = 125
const ROOM_BESIDE_INDEX = 256_000_000

export interface CommittingRun extends Pick<RunToBegin, 'tables' | 'runId'> {
  /** Missing for test tables, which are dropped as a whole. */
  readonly keep: KeepFormer | undefined
}

/**
 * Merges a batch in a few large statements within the caller's transaction. Changed rows are deleted and inserted anew,
 * or the table is written anew without them, because updated strings would stay in memory until the end of the
 * transaction. The spool is parsed once for keys and digests, and once more for what is written.
 */
export async function commitBatch(
  connection: DuckDBConnection,
  {tables, runId, keep}: CommittingRun,
  batch: CommitBatch,
  events: CommitEvents,
): Promise<CommitResult> {
  const run = {startedAt: batch.runStartedAt, runId}
  const {counts, digest} =
    batch.rows === 0 ? NOTHING_MERGED : await mergeRecords(connection, {tables, keep}, batch, run)
  if (keep !== undefined) await pruneFormer(connection, keep)
  const firstRejects = await countFirstRejects(connection, tables, batch.events)
  await insertEventFiles(connection, tables, batch.events)
  await insertEvents(connection, tables, events(counts, [], digest))
  return {counts, firstRejects}
}

interface Merged {
  readonly counts: CommitCounts
  readonly digest: string | undefined
}

const NOTHING_MERGED: Merged = {counts: new Map<string, RowCounts>(), digest: undefined}

async function mergeRecords(
  connection: DuckDBConnection,
  {tables, keep}: Pick<CommittingRun, 'tables' | 'keep'>,
  batch: CommitBatch,
  run: RunValues,
): Promise<Merged> {
  const target = tableNamed(tables.rawObjects)
  // A run before this one may have had a clock that was ahead.
  const rows = {table: target, newest: new Date(run.startedAt.getTime() + CLOCK_TOLERANCE)}
  await connection.run(`SET threads = ${THREADS.many}`)
  const stored = await countRowsOf(connection, target)
  const digests = stored === 0 ? NO_DIGESTS : saltedDigests()
  await stage(connection, batch)
  await stageKeys(connection, digests)
  await findStoredKeys(connection, rows)
  assertOneRowPerKey(tables.rawObjects, await countSurplusKeys(connection))
  await findChangedTexts(connection, rows, digests, await columnsKept(connection, tables.rawObjects))
  await stageChanged(connection)
  const replaced = await dropEqualValues(connection, rows, isAnotherValue, batch.isDigested)
  const classes = await countClasses(connection, batch.isDigested)
  assertAllWereRead(batch, classes)
  const counts = countsOf(classes)
  const some = (kind: keyof RowCounts): boolean => sumOf(counts, kind) > 0
  const [inserted, updated] = [sumOf(counts, 'inserted'), sumOf(counts, 'updated')]
  const isRewritten = updated > 0 && 2 * updated >= stored && (await isOnItsOwn(connection, tables.rawObjects))
  await makeRoomForIndex(
    connection,
    isRewritten ? {written: stored + inserted, deleted: 0} : {written: inserted + updated, deleted: updated},
  )
  if (keep !== undefined) await keepFormer(connection, tables, keep)
  if (isRewritten) {
    await rewriteTable(connection, tables.rawObjects, (former) => rowsThatStay(former, run))
  } else {
    if (some('unchanged')) {
      await connection.run(
        `UPDATE ${target} SET ${readAgain(run)}
         WHERE rowid IN (SELECT stored_row FROM stored_key$ ANTI JOIN changed$ USING (stored_row) WHERE NOT newer)`,
      )
    }
    if (some('updated')) {
      await connection.run(`DELETE FROM ${target} WHERE rowid IN (SELECT stored_row FROM changed$)`)
    }
  }
  if (some('updated')) await insertChanged(connection, target, run)
  if (some('inserted')) await insertNew(connection, target, run)
  const digest = batch.isDigested === true ? digestOf([replaced, ...classes.map((one) => one.digest)]) : undefined
  return {counts, digest}
}

/** Names the columns that a changed row takes along: ours that never change, and all that are somebody else's. */
export async function columnsKept(connection: DuckDBConnection, table: string): Promise<readonly string[]> {
  const foreign = [...(await columnsOf(connection, table)).keys()].filter(
    (name) => !RAW_OBJECTS.columns.some((column) => column.name === name),
  )
  return [...KEPT_NAMES, ...foreign].map(identifier)
}

/** Writes what stands in `changed$` under its new values, once the former rows are gone. */
export async function insertChanged(
  connection: DuckDBConnection,
  target: string,
  run: RunValuesOrStaged,
): Promise<void> {
  const {ofRecord, ofRun} = changedColumns(run)
  await connection.run(
    `INSERT INTO ${target} BY NAME
     SELECT ${ofRecord}, stored.* EXCLUDE (idem_key, sequence, stored_row, differs$, former_bytes$, bytes$), ${ofRun}
     FROM changed_text$ AS staged JOIN changed$ AS stored USING (sequence)`,
  )
}

/** Writes the staged rows whose keys are not stored. */
export async function insertNew(connection: DuckDBConnection, target: string, run: RunValuesOrStaged): Promise<void> {
  await connection.run(
    `INSERT INTO ${target} BY NAME
     SELECT ${insertedColumns(run)}
     FROM staged$ AS staged JOIN (SELECT sequence FROM staged_key$ ANTI JOIN stored_key$ USING (sequence)) USING (sequence)`,
  )
}

/** Selects all but the changed ones, and moves what moves where they were read again. */
const rowsThatStay = (table: string, run: RunValues): string =>
  `SELECT stored.* REPLACE (${readAgainWhere('newer = false', run)})
   FROM ${table} AS stored
   JOIN (SELECT former.rowid AS stored_row, newer
         FROM ${table} AS former LEFT JOIN stored_key$ ON former.rowid = stored_row
         WHERE former.rowid NOT IN (SELECT stored_row FROM changed$)) AS kept
   ON stored.rowid = kept.stored_row`

/**
 * Until the end of the transaction the primary key is held in memory for every row written and every row deleted.
 * Beside it, the statements need about half of the limit.
 */
export async function makeRoomForIndex(
  connection: DuckDBConnection,
  {written, deleted}: {readonly written: number; readonly deleted: number},
): Promise<void> {
  const needed = ROOM_BESIDE_INDEX + (written + deleted) * INDEX_BYTES_PER_ROW
  if (needed > MEMORY_LIMIT) await connection.run(`SET memory_limit = '${needed}B'`)
}

const sumOf = (counts: CommitCounts, kind: keyof RowCounts): number =>
  [...counts.values()].reduce((sum, of) => sum + of[kind], 0)

async function countRowsOf(connection: DuckDBConnection, target: string): Promise<number> {
  const [row] = await rowsOf(connection, `SELECT count(*)::DOUBLE AS rows FROM ${target}`)
  return Number(row?.['rows'])
}

const countsOf = (classes: readonly ClassCounts[]): CommitCounts =>
  new Map(
    classes.map(({objectType, keys, stored, changed, duplicates}) => [
      objectType,
      {inserted: keys - stored, updated: changed, unchanged: stored - changed, duplicates},
    ]),
  )
