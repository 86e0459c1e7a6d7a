import type {DuckDBConnection} from '@duckdb/node-api'

import {RAW_OBJECTS, type TableSet} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {assertNothingToMix, type RowsToSeed, type Seed} from '../seed.ts'
import {makeRoomForIndex} from './commit.ts'
import {tableExists} from './definitions.ts'
import {insertEvents} from './events.ts'
import {rowsOf, tableNamed} from './sql.ts'
import {ofStreams} from './staging.ts'

/** Counts the rows of each object type; those of a table that is not there are none. */
export async function countRowsOf(
  connection: DuckDBConnection,
  table: string,
  streams: readonly Stream[],
): Promise<RowsToSeed> {
  if (!(await tableExists(connection, table))) return new Map()
  const rows = await rowsOf(
    connection,
    `SELECT object_type, count(*)::DOUBLE AS rows FROM ${tableNamed(table)} WHERE ${ofStreams(streams)} GROUP BY ALL ORDER BY ALL`,
  )
  return new Map(rows.map((row) => [String(row['object_type']), Number(row['rows'])]))
}

/** Copies rows, with the times at which they were read, within the caller's transaction, and then writes the events. */
export async function seedRows(
  connection: DuckDBConnection,
  tables: TableSet,
  {from, streams, events}: Seed,
): Promise<RowsToSeed> {
  assertNothingToMix(await countRowsOf(connection, tables.rawObjects, streams))
  const rows = await countRowsOf(connection, from.rawObjects, streams)
  await makeRoomForIndex(connection, {written: [...rows.values()].reduce((sum, number) => sum + number, 0), deleted: 0})
  const columns = RAW_OBJECTS.columns.map(({name}) => name).join(', ')
  await connection.run(
    `INSERT INTO ${tableNamed(tables.rawObjects)} (${columns})
     SELECT ${columns} FROM ${tableNamed(from.rawObjects)} WHERE ${ofStreams(streams)}`,
  )
  await insertEvents(connection, tables, events(rows))
  return rows
}
