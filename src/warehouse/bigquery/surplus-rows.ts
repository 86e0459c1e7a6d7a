import type {Stream} from '../../source.ts'
import {
  assertStreamsTaken,
  changedMeanwhile,
  STAYING_FIRST,
  type SurplusOfStream,
  type SurplusRemoval,
  type SurplusRows,
} from '../surplus-rows.ts'
import {tryToWrite, type CommitOptions} from './commit.ts'
import {ofStream, startOfKeys} from './commit-sql.ts'
import {isWithin, keySetOf, selectKeySet} from './key-set.ts'
import type {Queries} from './query.ts'
import {literal} from './sql.ts'

const WHAT = 'looking for keys with several rows'
/** Equal rows cannot be told apart, so the one that stays is copied under such a key, which no record has, and renamed. */
const MARK = '\n'
const ABOVE_MARK = '\r'
/** So many statements of a removal read the rows. */
const READINGS = 3
/** Its filters are written this often for each that a commit writes. */
const FILTERS_MORE = 3

/** Counts the rows of `raw_objects` beyond the first one of their key. */
export async function countSurplusRows(queries: Queries, rawObjects: string, signal: AbortSignal): Promise<number> {
  const [row] = await queries.rows({
    sql: `SELECT CAST(COUNT(*) - COUNT(DISTINCT idem_key) AS STRING) AS surplus FROM ${rawObjects}`,
    what: WHAT,
    signal,
  })
  return Number(row?.['surplus'])
}

interface Asking {
  readonly priced: ((bytes: number) => void) | undefined
  readonly signal: AbortSignal
}

/** Counts the rows that are too many, by the streams of all rows of their keys, and has the service say what removing them reads. */
export async function findSurplusRows(
  queries: Queries,
  rawObjects: string,
  {priced, signal}: Asking,
): Promise<SurplusRows> {
  priced?.((await queries.estimate({sql: countedByStream(rawObjects), what: WHAT, signal})).bytes)
  const streams = await surplusByStream(queries, rawObjects, signal)
  if (streams.length === 0) return {streams}
  const {bytes} = await queries.estimate({
    sql: `SELECT * FROM ${rawObjects} AS stored WHERE stored.idem_key IN (${surplusKeys(rawObjects)})`,
    what: 'asking what the rows amount to',
    signal,
  })
  return {streams, bytes: READINGS * bytes}
}

/**
 * Removes rows in one transaction that checks the leases, and that there are as many as were found. The statements name the
 * clustering columns with constants, so that BigQuery reads and bills only the blocks that can hold the keys.
 */
export async function removeSurplusRows(
  options: CommitOptions,
  since: Date,
  {events}: SurplusRemoval,
): Promise<readonly SurplusOfStream[]> {
  const {connection, queries, tables, streams, runId, name} = options
  const rawObjects = connection.tableName(tables.rawObjects)
  const found = await surplusByStream(queries, rawObjects)
  assertStreamsTaken(found, streams)
  const keys: string[] = []
  for (const {stream} of found) keys.push(await keysOf(queries, rawObjects, stream, found.length))
  const among = keys.length === 0 ? 'FALSE' : `(${keys.join(' OR ')})`
  const terms = {
    rawObjects,
    streams: streams.length,
    valuesOf: 'run' as const,
    startedAt: since,
    runId,
    newest: since,
    touchBefore: since,
  }
  const number = found.reduce((sum, {rows}) => sum + rows, 0)
  const condition = `(SELECT COUNT(*) - COUNT(DISTINCT idem_key) FROM ${rawObjects} AS stored WHERE ${among}) = ${number}`
  const written = await tryToWrite(
    options,
    name,
    terms,
    [],
    {inline: events(found)},
    {
      conditionOf: (stream) => (stream === streams[0] ? condition : 'TRUE'),
      statements: number === 0 ? [] : removal(rawObjects, found, among),
    },
  )
  if (written !== 'written') throw changedMeanwhile(tables.rawObjects)
  return found
}

/** Makes a copy of the row that stays, removes all rows of the key, and gives the copy its key. */
function removal(rawObjects: string, found: readonly SurplusOfStream[], among: string): readonly string[] {
  const ofStreams = found.map(({stream}) => `(${ofStream(stream, 'stored.')})`).join(' OR ')
  const isSurplus = `${among} AND stored.idem_key IN (${surplusKeys(`${rawObjects} AS stored WHERE ${among}`)})`
  return [
    `INSERT INTO ${rawObjects}
 SELECT * EXCEPT (place) REPLACE (CONCAT(${literal(MARK)}, idem_key) AS idem_key)
 FROM (SELECT *, ROW_NUMBER() OVER (PARTITION BY idem_key ORDER BY ${STAYING_FIRST}, external_id, TO_JSON_STRING(payload)) AS place
  FROM ${rawObjects} AS stored WHERE ${isSurplus}) WHERE place = 1`,
    `DELETE FROM ${rawObjects} AS stored WHERE ${isSurplus}`,
    `UPDATE ${rawObjects} AS stored SET idem_key = SUBSTR(idem_key, 2)
 WHERE (${ofStreams}) AND stored.idem_key BETWEEN ${literal(MARK)} AND ${literal(ABOVE_MARK)}`,
  ]
}

/** Gives a condition that holds for the rows of one stream whose keys have several rows, and for few others. */
async function keysOf(queries: Queries, rawObjects: string, stream: Stream, streams: number): Promise<string> {
  const rows = `SELECT idem_key FROM ${rawObjects} WHERE ${ofStream(stream)} AND idem_key IN (${surplusKeys(rawObjects)})`
  const [row = {}] = await queries.rows({sql: selectKeySet(rows, startOfKeys(stream), {}), what: WHAT})
  return `(${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', keySetOf(row), streams * FILTERS_MORE)})`
}

async function surplusByStream(
  queries: Queries,
  rawObjects: string,
  signal?: AbortSignal,
): Promise<readonly SurplusOfStream[]> {
  const rows = await queries.rows({sql: countedByStream(rawObjects), what: WHAT, signal})
  return rows.map((row) => ({
    stream: {sourceSystem: row['source_system'] ?? '', objectType: row['object_type'] ?? ''},
    keys: Number(row['key_count']),
    rows: Number(row['row_count']),
  }))
}

const countedByStream = (rawObjects: string): string =>
  `SELECT source_system, object_type, CAST(COUNTIF(place > 1) AS STRING) AS row_count,
   CAST(COUNT(DISTINCT IF(place > 1, idem_key, NULL)) AS STRING) AS key_count
 FROM (${rowsInOrder(rawObjects, 'source_system, object_type, idem_key')}) GROUP BY source_system, object_type ORDER BY source_system, object_type`

/** Selects rows of all keys that have several, with their places. */
const rowsInOrder = (rawObjects: string, columns: string): string =>
  `SELECT ${columns}, ROW_NUMBER() OVER (PARTITION BY idem_key ORDER BY ${STAYING_FIRST}) AS place
  FROM ${rawObjects} WHERE idem_key IN (${surplusKeys(rawObjects)})`

const surplusKeys = (rows: string): string => `SELECT idem_key FROM ${rows} GROUP BY idem_key HAVING COUNT(*) > 1`
