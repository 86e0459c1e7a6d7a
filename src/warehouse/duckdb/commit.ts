import {randomBytes} from 'node:crypto'
import {readFile} from 'node:fs/promises'

import type {DuckDBConnection} from '@duckdb/node-api'

import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import type {Event} from '../../model/events.ts'
import {STAGED_COLUMNS} from '../../model/raw-object-columns.ts'
import {COLUMN_END, NO_VALUE} from '../../model/record-head.ts'
import {RAW_OBJECTS, type RunValues, type TableSet} from '../../model/tables.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import type {CommitBatch, CommitCounts, CommitResult, RowCounts, RunToBegin} from '../warehouse.ts'
import {MEMORY_LIMIT, THREADS} from './connection.ts'
import {columnsOf} from './definitions.ts'
import {countFirstRejects, insertEventFiles, insertEvents} from './events.ts'
import {
  changedColumns,
  COMPARED_BY_VALUE,
  insertedColumns,
  KEPT_NAMES,
  readAgain,
  readAgainWhere,
  STAGED_AS_TEXT,
  STAGED_AS_PARAMETERS,
  STAGED_AS_TABLE,
} from './raw-object-sql.ts'
import {isOnItsOwn, rewriteTable} from './rewrite.ts'
import {identifier, literal, rowsOf, tableNamed} from './sql.ts'

// A table of the user's has no space in its name, so none of these hides one.
const STAGED = '"staged records"'
const STAGED_TEXT = '"staged text"'
const STAGED_KEYS = '"staged keys"'
const STORED_KEYS = '"stored keys"'
const CHANGED = '"changed rows"'
const LONE_RECORDS = '"lone records"'

/** Lines of `records` files stay below this, so that DuckDB's reading buffers (twice this, for each thread) do too. */
const LARGEST_LINE = 4 * 1024 * 1024

/** Measured with keys of 40 bytes: 500 MB at the commit of two million rows that were deleted and written. */
const INDEX_BYTES_PER_ROW = 125
const ROOM_BESIDE_INDEX = 256_000_000

/**
 * Merges a batch in a few large statements within the caller's transaction. Changed rows are deleted and inserted anew,
 * or the table is written anew without them, because updated strings would stay in memory until the end of the
 * transaction. No join holds a payload: payloads are compared by their digests, and the spool is parsed once for keys
 * and digests and once more for what is written.
 */
export async function commitBatch(
  connection: DuckDBConnection,
  {tables, runId}: Pick<RunToBegin, 'tables' | 'runId'>,
  batch: CommitBatch,
  events: (counts: CommitCounts) => readonly Event[],
): Promise<CommitResult> {
  const run = {startedAt: batch.runStartedAt, runId}
  const counts = batch.rows === 0 ? new Map<string, RowCounts>() : await mergeRecords(connection, tables, batch, run)
  const firstRejects = await countFirstRejects(connection, tables, batch.events)
  await insertEventFiles(connection, tables, batch.events)
  await insertEvents(connection, tables, events(counts))
  return {counts, firstRejects}
}

async function mergeRecords(
  connection: DuckDBConnection,
  tables: TableSet,
  batch: CommitBatch,
  run: RunValues,
): Promise<CommitCounts> {
  const target = tableNamed(tables.rawObjects)
  // A run before this one may have had a clock that was ahead.
  const newest = new Date(run.startedAt.getTime() + CLOCK_TOLERANCE)
  const digests = digestsOf('payload', randomBytes(9).toString('base64'))
  await connection.run(`SET threads = ${THREADS.many}`)
  const stored = await countRowsOf(connection, target)
  await stage(connection, batch)
  await stageKeys(connection, stored === 0 ? ['0', '0'] : digests)
  await connection.run(
    `CREATE TEMP TABLE ${STORED_KEYS} AS
     SELECT idem_key, stored.rowid AS stored_row, stored.last_seen > ${literal(newest.toISOString())}::TIMESTAMPTZ AS newer
     FROM ${STAGED_KEYS} AS staged_key JOIN ${target} AS stored USING (idem_key)`,
  )
  await assertNoSurplusRows(connection, tables)
  const foreign = [...(await columnsOf(connection, tables.rawObjects)).keys()].filter(
    (name) => !RAW_OBJECTS.columns.some((column) => column.name === name),
  )
  const kept = [...KEPT_NAMES, ...foreign].map(identifier)
  const differs = COMPARED_BY_VALUE.map((name) => ` OR stored.${name} IS DISTINCT FROM staged_key.${name}`)
  await connection.run(
    `CREATE TEMP TABLE ${CHANGED} AS
     SELECT idem_key, sequence, stored.* EXCLUDE (${['digest_1', 'digest_2', ...COMPARED_BY_VALUE].join(', ')})
     FROM (SELECT ${['rowid AS stored_row', ...kept, ...COMPARED_BY_VALUE].join(', ')}, ${digests[0]} AS digest_1, ${digests[1]} AS digest_2 FROM ${target}) AS stored
     JOIN ${STORED_KEYS} USING (stored_row)
     JOIN ${STAGED_KEYS} AS staged_key USING (idem_key)
     WHERE NOT newer
       AND (stored.digest_1 != staged_key.digest_1 OR stored.digest_2 != staged_key.digest_2${differs.join('')})`,
  )
  const counts = await countRows(connection, batch)
  const some = (kind: keyof RowCounts): boolean => sumOf(counts, kind) > 0
  const [inserted, updated] = [sumOf(counts, 'inserted'), sumOf(counts, 'updated')]
  const isRewritten = updated > 0 && 2 * updated >= stored && (await isOnItsOwn(connection, tables.rawObjects))
  await makeRoomForIndex(
    connection,
    isRewritten ? {written: stored + inserted, deleted: 0} : {written: inserted + updated, deleted: updated},
  )
  if (isRewritten) {
    await rewriteTable(connection, tables.rawObjects, (former) => rowsThatStay(former, run))
  } else {
    if (some('unchanged')) {
      await connection.run(
        `UPDATE ${target} SET ${readAgain(run)}
         WHERE rowid IN (SELECT stored_row FROM ${STORED_KEYS} ANTI JOIN ${CHANGED} USING (stored_row) WHERE NOT newer)`,
      )
    }
    if (some('updated')) {
      await connection.run(`DELETE FROM ${target} WHERE rowid IN (SELECT stored_row FROM ${CHANGED})`)
    }
  }
  if (some('updated')) {
    const {ofRecord, ofRun} = changedColumns(run)
    await connection.run(
      `INSERT INTO ${target} BY NAME
       SELECT ${ofRecord}, stored.* EXCLUDE (idem_key, sequence, stored_row), ${ofRun}
       FROM ${STAGED} AS staged JOIN ${CHANGED} AS stored USING (sequence)`,
    )
  }
  if (some('inserted')) {
    await connection.run(
      `INSERT INTO ${target} BY NAME
       SELECT ${insertedColumns(run)}
       FROM ${STAGED} AS staged
       JOIN (SELECT sequence FROM ${STAGED_KEYS} ANTI JOIN ${STORED_KEYS} USING (idem_key)) USING (sequence)`,
    )
  }
  return counts
}

/** Selects all but the changed ones, and moves what moves where they were read again. */
const rowsThatStay = (table: string, run: RunValues): string =>
  `SELECT stored.* REPLACE (${readAgainWhere('newer = false', run)})
   FROM ${table} AS stored
   JOIN (SELECT former.rowid AS stored_row, newer
         FROM ${table} AS former LEFT JOIN ${STORED_KEYS} AS stored_key ON former.rowid = stored_key.stored_row
         WHERE former.rowid NOT IN (SELECT stored_row FROM ${CHANGED})) AS kept
   ON stored.rowid = kept.stored_row`

/**
 * Until the end of the transaction the primary key is held in memory for every row written and every row deleted.
 * Beside it, the statements need about half of the limit.
 */
async function makeRoomForIndex(
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

/** Keeps the last line of every key. */
async function stageKeys(connection: DuckDBConnection, digests: Digests): Promise<void> {
  const values = COMPARED_BY_VALUE.map((name) => `, ${name}`).join('')
  const latest = COMPARED_BY_VALUE.map((name) => `, arg_max_null(${name}, sequence) AS ${name}`).join('')
  await connection.run(
    `CREATE TEMP TABLE ${STAGED_KEYS} AS
     SELECT idem_key, max(sequence) AS sequence, count(*) AS copies,
            arg_max(digest_1, sequence) AS digest_1, arg_max(digest_2, sequence) AS digest_2${latest}
     FROM (SELECT idem_key, sequence, ${digests[0]} AS digest_1, ${digests[1]} AS digest_2${values} FROM ${STAGED_TEXT})
     GROUP BY idem_key`,
  )
}

type Digests = readonly [string, string]

/**
 * Makes two hashes of 63 bits. The second one begins with a salt of this commit, so it is independent of the first and
 * nobody can make payloads that collide. Where copying a payload would cost too much memory it takes MD5 in between.
 */
function digestsOf(payload: string, salt: string): Digests {
  const salted = `CASE WHEN strlen(${payload}) < ${LARGEST_LINE} THEN concat(${literal(salt)}, ${payload}) ELSE md5(${payload}) END`
  return [`(hash(${payload}) >> 1)::BIGINT`, `(hash(${salted}) >> 1)::BIGINT`]
}

async function stage(connection: DuckDBConnection, batch: CommitBatch): Promise<void> {
  await connection.run(`CREATE TEMP TABLE ${LONE_RECORDS} (${STAGED_AS_TABLE})`)
  for (const file of batch.loneRecords) await stageLoneRecord(connection, file)
  const files = batch.records.length === 0 ? undefined : delimited(batch.records)
  const both = (payload: string): string =>
    `SELECT * REPLACE (payload::${payload} AS payload) FROM ${LONE_RECORDS}
     ${files === undefined ? '' : `UNION ALL SELECT * REPLACE (payload::${payload} AS payload) FROM ${files}`}`
  // Whether a payload is JSON is looked at once, where it is written.
  await connection.run(`CREATE TEMP VIEW ${STAGED_TEXT} AS ${both('VARCHAR')}`)
  await connection.run(`CREATE TEMP VIEW ${STAGED} AS ${both('JSON')}`)
}

/** Reads `DELIMITED_LINES`: nothing in them is quoted or means anything but itself. */
const delimited = (files: readonly string[]): string =>
  `read_csv([${files.map(literal).join(', ')}], columns = {${STAGED_AS_TEXT}}, auto_detect = false, header = false,
     delim = ${literal(COLUMN_END)}, nullstr = ${literal(NO_VALUE)}, quote = '', escape = '', new_line = '\\n',
     max_line_size = ${LARGEST_LINE})`

// One by one, and cut here: DuckDB would set aside the record several times over to read it from a file.
async function stageLoneRecord(connection: DuckDBConnection, file: string): Promise<void> {
  const line = await readFile(file, 'utf8')
  const values = line.slice(0, -1).split(COLUMN_END)
  const named = STAGED_COLUMNS.map(({name}, index) => [name, values[index] === NO_VALUE ? null : values[index]])
  await connection.run(
    `INSERT INTO ${LONE_RECORDS} VALUES (${STAGED_AS_PARAMETERS})`,
    Object.fromEntries(named) as Record<string, string | null>,
  )
}

async function assertNoSurplusRows(connection: DuckDBConnection, tables: TableSet): Promise<void> {
  const [row] = await rowsOf(
    connection,
    `SELECT (count(*) - count(DISTINCT idem_key))::DOUBLE AS surplus FROM ${STORED_KEYS}`,
  )
  assertOneRowPerKey(tables.rawObjects, Number(row?.['surplus']))
}

/** A key begins with its object type, so that this need not be held for each key. */
async function countRows(connection: DuckDBConnection, batch: CommitBatch): Promise<CommitCounts> {
  const rows = await rowsOf(
    connection,
    `SELECT split_part(idem_key, ':', 1) AS object_type, sum(copies)::DOUBLE AS staged, count(*)::DOUBLE AS keys,
            count(stored_key.idem_key)::DOUBLE AS stored, count(changed.idem_key)::DOUBLE AS changed
     FROM ${STAGED_KEYS} AS staged_key
     LEFT JOIN ${STORED_KEYS} AS stored_key USING (idem_key)
     LEFT JOIN ${CHANGED} AS changed USING (idem_key)
     GROUP BY ALL`,
  )
  const counts = new Map<string, RowCounts>()
  let staged = 0
  for (const row of rows) {
    const [keys, stored, changed] = [Number(row['keys']), Number(row['stored']), Number(row['changed'])]
    staged += Number(row['staged'])
    counts.set(String(row['object_type']), {
      inserted: keys - stored,
      updated: changed,
      unchanged: stored - changed,
      duplicates: Number(row['staged']) - keys,
    })
  }
  if (staged !== batch.rows) throw new Error(`${batch.rows} records were spooled but ${staged} were read back`)
  return counts
}
