import {isSameStream, nameOfStream} from '../../model/stream.ts'
import {COMPARED, RESTORED} from '../../model/raw-object-columns.ts'
import {RAW_OBJECTS} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {
  assertInsertedRows,
  notKept,
  rowsDiffer,
  type RunsToUndo,
  type StreamToUndo,
  type Undo,
  type UndoneRows,
} from '../undo.ts'
import {makeStaging, tryToWrite, type CommitOptions} from './commit.ts'
import {differs, ofStream, startOfKeys} from './commit-sql.ts'
import {isWithin, keySetOf, selectKeySet, type KeySet} from './key-set.ts'
import type {Queries} from './query.ts'
import {ServiceError} from './service-error.ts'
import {instant} from './sql.ts'
import {fillStaging, type StagingColumn} from './staging.ts'

const WHAT = 'looking for rows to take back'
const KEY: StagingColumn = {name: 'idem_key', type: 'STRING'}
const RESTORED_COLUMNS: readonly StagingColumn[] = RAW_OBJECTS.columns.filter(({name}) =>
  (RESTORED as readonly string[]).includes(name),
)
/** No dataset keeps what its tables held for longer. */
const TIME_TRAVEL = 7 * 24 * 60 * 60 * 1000

/** Rows of a stream that the runs inserted, and others that they wrote. */
interface WrittenRows extends StreamToUndo {
  readonly removed: number
  readonly others: KeySet
}

/** Finds by SELECT alone what an undo would do; the number of restored rows is the most that it can be. */
export async function findRowsToUndo(
  queries: Queries,
  rawObjects: string,
  undo: RunsToUndo,
  signal: AbortSignal,
): Promise<readonly UndoneRows[]> {
  const written = await findWritten(queries, rawObjects, undo, signal)
  for (const one of written.filter(hasFormer)) {
    const sql = `SELECT CAST(COUNT(*) AS STRING) AS row_count ${formerRows(rawObjects, one, undo)}`
    await travelling(undo, async () => queries.rows({sql, what: WHAT, signal}))
  }
  return written.map(({stream, removed, others, updated}) => {
    const restored = Math.min(updated, others.count)
    return {stream, removed, restored, left: others.count - restored, isExact: restored === 0}
  })
}

/**
 * Takes rows back: those of before are staged from what the table held when the first of the runs took the stream, and written
 * in one transaction that checks the leases and that nothing changed meanwhile.
 */
export async function undoRows(options: CommitOptions, since: Date, undo: Undo): Promise<readonly UndoneRows[]> {
  const {connection, queries, tables, runId, name} = options
  const rawObjects = connection.tableName(tables.rawObjects)
  const written = await findWritten(queries, rawObjects, undo)
  const found: Found[] = []
  for (const [place, one] of written.entries()) {
    const former = hasFormer(one) ? await stageFormer(options, rawObjects, one, undo, place) : undefined
    found.push({...one, former})
  }
  const rows = found.map(({stream, removed, others, former}) => {
    const restored = former?.changed ?? 0
    return {stream, removed, restored, left: others.count - restored, isExact: true}
  })
  const terms = {
    rawObjects,
    streams: written.length,
    valuesOf: 'run' as const,
    startedAt: since,
    runId,
    newest: since,
    touchBefore: since,
  }
  const source = {inline: undo.events(rows)}
  const also = {
    conditionOf: (stream: Stream) => conditionFor(rawObjects, foundFor(found, stream), undo),
    statements: found.flatMap((one) => statementsFor(rawObjects, one, undo)),
  }
  const result = await tryToWrite(options, name, terms, [], source, also)
  if (result !== 'written') throw rowsDiffer('rows were written to meanwhile')
  return rows
}

interface Found extends WrittenRows {
  readonly former: {readonly table: string; readonly changed: number} | undefined
}

function foundFor(found: readonly Found[], wanted: Stream): Found {
  const one = found.find(({stream}) => isSameStream(stream, wanted))
  if (one === undefined) throw new Error(`nothing of ${nameOfStream(wanted)} is to be undone`)
  return one
}

/** Nothing is given back where nothing was updated, whatever else the runs saw. */
const hasFormer = ({updated, others}: WrittenRows): boolean => updated > 0 && others.count > 0

async function findWritten(
  queries: Queries,
  rawObjects: string,
  undo: RunsToUndo,
  signal?: AbortSignal,
): Promise<readonly WrittenRows[]> {
  const written: WrittenRows[] = []
  for (const one of undo.streams) {
    const others = `IF(${isOneOf('stored.last_seen', undo.writtenAt)} AND NOT ${areInserted(undo)}, stored.idem_key, NULL)`
    const rows = `SELECT ${others} AS idem_key, ${areInserted(undo)} AS is_inserted
 FROM ${rawObjects} AS stored WHERE ${ofStream(one.stream, 'stored.')}`
    const [row = {}] = await queries.rows({
      sql: selectKeySet(rows, startOfKeys(one.stream), {inserted: 'COUNTIF(is_inserted)'}),
      what: WHAT,
      signal,
    })
    const removed = Number(row['inserted'] ?? 0)
    assertInsertedRows(one.stream, removed, one.inserted)
    written.push({...one, removed, others: keySetOf(row)})
  }
  return written
}

/** Gives the end of a SELECT of rows as they were before the runs. Compares the clustering columns with constants. */
function formerRows(rawObjects: string, {stream, takenAt, others}: WrittenRows, undo: RunsToUndo): string {
  const {runId = ''} = undo.runs[0] ?? {}
  if (takenAt === undefined) throw notKept(runId, 'the event log does not tell when it took its streams')
  if (Date.now() - takenAt.getTime() > TIME_TRAVEL)
    throw notKept(runId, 'it began more than 7 days ago, and BigQuery keeps what tables held for no longer')
  return `FROM ${rawObjects} AS former FOR SYSTEM_TIME AS OF ${instant(takenAt)}
 WHERE ${ofStream(stream, 'former.')} AND ${isWithin('former.idem_key', others)}`
}

/** Stages the former rows of all that the runs wrote and did not insert, and counts those that hold something else now. */
async function stageFormer(
  options: CommitOptions,
  rawObjects: string,
  one: WrittenRows,
  undo: RunsToUndo,
  place: number,
): Promise<Found['former']> {
  const {connection, queries, name} = options
  const {stream, others, updated} = one
  const make = makeStaging(options)
  const [keys, former] = [`${name}_keys_${place}`, `${name}_former_${place}`]
  const [keysTable, table] = [connection.tableName(keys), connection.tableName(former)]
  await make(keys, [KEY])
  await queries.run(keys, {
    sql: fillStaging(
      keysTable,
      [KEY.name],
      `SELECT stored.idem_key FROM ${rawObjects} AS stored
 WHERE ${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', others)}
   AND ${isOneOf('stored.last_seen', undo.writtenAt)} AND NOT ${areInserted(undo)}`,
    ),
    what: WHAT,
  })
  const columns = [KEY, ...RESTORED_COLUMNS]
  await make(former, columns)
  const names = columns.map((column) => column.name)
  const sql = fillStaging(
    table,
    names,
    `SELECT ${names.map((column) => `former.${column}`).join(', ')}
 ${formerRows(rawObjects, one, undo)} AND former.idem_key IN (SELECT idem_key FROM ${keysTable})`,
  )
  await travelling(undo, async () => queries.run(former, {sql, what: 'reading what the table held before'}))
  const [row = {}] = await queries.rows({
    sql: `SELECT CAST((SELECT COUNT(*) FROM ${table}) AS STRING) AS row_count, CAST(${changedRows(rawObjects, one, table, undo)} AS STRING) AS changed`,
    what: WHAT,
  })
  const [rows, changed] = [Number(row['row_count']), Number(row['changed'])]
  if (rows !== others.count)
    throw rowsDiffer(`${others.count - rows} rows that these runs saw were not there before them`)
  if (changed > updated)
    throw rowsDiffer(`${changed} rows hold another value than before, and the event log tells of ${updated}`)
  return {table, changed}
}

const matches = ({stream, others}: WrittenRows, undo: RunsToUndo): string =>
  `${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', others, undo.streams.length)}
   AND stored.idem_key = fresh.idem_key`

const hasChanged = `(${COMPARED.map(differs).join(' OR ')})`

const changedRows = (rawObjects: string, one: WrittenRows, table: string, undo: RunsToUndo): string =>
  `(SELECT COUNT(*) FROM ${rawObjects} AS stored JOIN ${table} AS fresh ON ${matches(one, undo)} WHERE ${hasChanged})`

function conditionFor(rawObjects: string, one: Found, undo: RunsToUndo): string {
  const inserted = `(SELECT COUNT(*) FROM ${rawObjects} AS stored WHERE ${ofStream(one.stream, 'stored.')} AND ${areInserted(undo)}) = ${one.removed}`
  return one.former === undefined
    ? inserted
    : `${inserted} AND ${changedRows(rawObjects, one, one.former.table, undo)} = ${one.former.changed}`
}

function statementsFor(rawObjects: string, one: Found, undo: RunsToUndo): readonly string[] {
  const {stream, removed, former} = one
  return [
    ...(removed === 0
      ? []
      : [`DELETE FROM ${rawObjects} AS stored WHERE ${ofStream(stream, 'stored.')} AND ${areInserted(undo)}`]),
    ...(former === undefined || former.changed === 0
      ? []
      : [
          `MERGE INTO ${rawObjects} AS stored USING ${former.table} AS fresh
 ON ${matches(one, undo)}
 WHEN MATCHED AND ${hasChanged} THEN UPDATE SET ${RESTORED.map((name) => `${name} = fresh.${name}`).join(', ')}`,
        ]),
  ]
}

const areInserted = ({insertedAt}: RunsToUndo): string => isOneOf('stored.first_seen', insertedAt)

const isOneOf = (column: string, instants: readonly Date[]): string =>
  instants.length === 0 ? 'FALSE' : `${column} IN (${instants.map(instant).join(', ')})`

/** Says it in words where the table of that time is not held any more: it was made anew, or its dataset keeps less. */
async function travelling<Result>({runs}: RunsToUndo, read: () => Promise<Result>): Promise<Result> {
  try {
    return await read()
  } catch (error) {
    if (!(error instanceof ServiceError) || !/^invalid|^outOfRange$|^notFound$/.test(error.reason)) throw error
    throw notKept(
      runs[0]?.runId ?? '',
      `BigQuery does not hold any more what the table held before it (${error.message})`,
    )
  }
}
