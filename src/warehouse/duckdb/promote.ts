import type {DuckDBConnection} from '@duckdb/node-api'

import {EVENT_LOG, type TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {isAnotherValue, type CompareOptions} from '../comparison.ts'
import {
  assertRowsAreAsAnnounced,
  assertNoConflict,
  assertSeedIsStored,
  type ComparedRows,
  type ComparedTables,
  type Promotion,
} from '../promotion.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import type {CommitCounts} from '../commit-batch.ts'
import {
  countClasses,
  countSurplusKeys,
  dropEqualValues,
  findChangedTexts,
  findStoredKeys,
  stageChanged,
} from './classify.ts'
import {columnsKept, insertChanged, insertNew} from './commit.ts'
import {THREADS} from './connection.ts'
import {tableExists} from './definitions.ts'
import {insertEvents} from './events.ts'
import {keepFormer, type KeepFormer} from './former-payloads.ts'
import {literal, rowsOf, tableNamed} from './sql.ts'
import {ofStreams, saltedDigests, stageKeys, stageRows} from './staging.ts'

/** Compares rows of one table set with those of another. Writes temporary tables alone. */
export async function compareRows(
  connection: DuckDBConnection,
  {from, to}: {readonly from: TableSet; readonly to: TableSet},
  streams: readonly Stream[],
  {isChanged, insertedSamples}: CompareOptions,
): Promise<ComparedTables> {
  const exists = await tableExists(connection, to.rawObjects)
  if (!exists) await connection.run(`CREATE TEMP TABLE no_rows$ AS FROM ${tableNamed(from.rawObjects)} LIMIT 0`)
  const table = exists ? tableNamed(to.rawObjects) : 'no_rows$'
  await classify(connection, {from, table}, streams, ['last_seen'], isChanged)
  const inserted = await rowsOf(
    connection,
    `SELECT idem_key, payload FROM staged_text$
     WHERE sequence IN (SELECT sequence FROM staged_key$ ANTI JOIN stored_key$ USING (sequence) ORDER BY sequence LIMIT ${insertedSamples})
     ORDER BY sequence`,
  )
  return {
    byObjectType: await countRows(connection, table, streams),
    inserted: inserted.map((row) => ({idemKey: String(row['idem_key']), payload: String(row['payload'])})),
  }
}

/** Takes rows over within the caller's transaction, and then writes the events. */
export async function promoteRows(
  connection: DuckDBConnection,
  {tables, keep}: {readonly tables: TableSet; readonly keep: KeepFormer},
  {from, streams, announced, insertedAt, changed, runs, runId, events}: Promotion,
): Promise<CommitCounts> {
  await connection.run(`SET threads = ${THREADS.many}`)
  const table = tableNamed(tables.rawObjects)
  const kept = await columnsKept(connection, tables.rawObjects)
  await classify(connection, {from, table}, streams, [...kept, 'last_seen AS stored_last_seen$'], isAnotherValue)
  const [found] = await rowsOf(connection, 'SELECT count(*)::DOUBLE AS changed FROM changed$')
  assertRowsAreAsAnnounced(await countStaged(connection), announced)
  if (insertedAt !== undefined) assertSeedIsStored(await countSeededAndMissing(connection, insertedAt))
  if (changed === 'refuse') assertNoConflict(Number(found?.['changed']))
  await connection.run(
    `DELETE FROM changed$ WHERE sequence IN (SELECT sequence FROM changed_text$ JOIN changed$ USING (sequence) WHERE stored_last_seen$ >= last_seen)`,
  )
  if (changed === 'skip') await connection.run('DELETE FROM changed$')
  await connection.run('ALTER TABLE changed$ DROP COLUMN stored_last_seen$')
  const counts = new Map(
    (await countClasses(connection)).map(({objectType, keys, stored, changed: updated}) => [
      objectType,
      {inserted: keys - stored, updated, unchanged: stored - updated, duplicates: 0},
    ]),
  )
  await keepFormer(connection, tables, keep)
  await connection.run(`DELETE FROM ${table} WHERE rowid IN (SELECT stored_row FROM changed$)`)
  await insertChanged(connection, table, 'staged')
  await insertNew(connection, table, 'staged')
  await copyEvents(connection, {from: from.eventLog, to: tables.eventLog}, runs, runId)
  await insertEvents(connection, tables, events(counts))
  return counts
}

async function classify(
  connection: DuckDBConnection,
  {from, table}: {readonly from: TableSet; readonly table: string},
  streams: readonly Stream[],
  columns: readonly string[],
  isChanged: CompareOptions['isChanged'],
): Promise<void> {
  const digests = saltedDigests()
  await stageRows(connection, tableNamed(from.rawObjects), streams)
  await stageKeys(connection, digests)
  await findStoredKeys(connection, {table})
  assertOneRowPerKey(table, await countSurplusKeys(connection))
  await findChangedTexts(connection, {table}, digests, columns)
  await stageChanged(connection)
  await dropEqualValues(connection, {table}, isChanged)
}

async function countRows(
  connection: DuckDBConnection,
  table: string,
  streams: readonly Stream[],
): Promise<ReadonlyMap<string, ComparedRows>> {
  const newer = await rowsOf(
    connection,
    `SELECT object_type, count(*)::DOUBLE AS newer
     FROM changed$ AS stored JOIN changed_text$ AS staged USING (sequence) WHERE stored.last_seen >= staged.last_seen GROUP BY ALL`,
  )
  const all = await rowsOf(
    connection,
    `SELECT object_type, count(*)::DOUBLE AS rows FROM ${table} WHERE ${ofStreams(streams)} GROUP BY ALL`,
  )
  const classes = await countClasses(connection)
  return new Map(
    streams.map(({objectType}) => {
      const {keys = 0, stored = 0, changed = 0} = classes.find((one) => one.objectType === objectType) ?? {}
      const later = numberOf(newer, objectType, 'newer')
      const onlyStored = numberOf(all, objectType, 'rows') - stored
      return [
        objectType,
        {insert: keys - stored, update: changed - later, newer: later, unchanged: stored - changed, onlyStored},
      ]
    }),
  )
}

const numberOf = (rows: Awaited<ReturnType<typeof rowsOf>>, objectType: string, column: string): number =>
  Number(rows.find((row) => row['object_type'] === objectType)?.[column] ?? 0)

async function countSeededAndMissing(connection: DuckDBConnection, insertedAt: readonly number[]): Promise<number> {
  const [row] = await rowsOf(
    connection,
    `SELECT count(*)::DOUBLE AS missing
     FROM staged$ JOIN (SELECT sequence FROM staged_key$ ANTI JOIN stored_key$ USING (sequence)) USING (sequence)
     WHERE epoch_ms(first_seen) NOT IN (${insertedAt.join(', ')})`,
  )
  return Number(row?.['missing'])
}

async function countStaged(connection: DuckDBConnection): Promise<ReadonlyMap<string, number>> {
  const rows = await rowsOf(
    connection,
    `SELECT split_part(idem_key, ':', 1) AS object_type, count(*)::DOUBLE AS rows FROM staged_key$ GROUP BY ALL`,
  )
  return new Map(rows.map((row) => [String(row['object_type']), Number(row['rows'])]))
}

/** Rejects and deletions of the runs are the promotion's own from now on. */
async function copyEvents(
  connection: DuckDBConnection,
  {from, to}: {readonly from: string; readonly to: string},
  runs: readonly string[],
  runId: string,
): Promise<void> {
  const columns = EVENT_LOG.columns.map(({name}) => name).join(', ')
  await connection.run(
    `INSERT INTO ${tableNamed(to)} (${columns})
     SELECT * REPLACE (uuid()::VARCHAR AS event_id, ${literal(runId)} AS correlation_id) FROM (
       SELECT ${columns} FROM ${tableNamed(from)}
       WHERE event_type IN ('record.rejected', 'object.deleted') AND correlation_id IN (${runs.map(literal).join(', ')})
     )`,
  )
}
