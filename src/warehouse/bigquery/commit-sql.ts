import type {Stream} from '../../source.ts'
import {isWithin, keySetColumns, type KeySet} from './key-set.ts'
import {instant, literal} from './sql.ts'

export interface StagedLines {
  readonly stream: Stream
  readonly stagingTables: readonly string[]
}

/** These are a stream's staged lines; several may have one key. */
export interface StagedStream extends StagedLines {
  readonly rows: number
  readonly keys: KeySet
}

/** This is what a commit would do to the stored rows of a stream. */
export interface Classified {
  readonly staged: StagedStream
  /** So many of the staged keys are stored. */
  readonly stored: number
  readonly changed: number
  readonly storedRows?: StoredRows
}

/** A staging table holds the stored keys, with the payloads of the rows that are to be written. */
export interface StoredRows {
  readonly table: string
  readonly written: KeySet
}

export interface CommitTerms {
  readonly rawObjects: string
  readonly startedAt: Date
  /** `last_seen` of an unchanged row is only moved where it is not later than this. */
  readonly touchBefore: Date
}

export const union = (tables: readonly string[], columns: string): string =>
  tables.map((table) => `SELECT ${columns} FROM ${table}`).join('\nUNION ALL\n')

const ofStream = ({sourceSystem, objectType}: Stream, prefix = ''): string =>
  `${prefix}source_system = ${literal(sourceSystem)} AND ${prefix}object_type = ${literal(objectType)}`

const linesOf = ({stream, stagingTables}: StagedLines, columns: string): string =>
  stagingTables.map((table) => `SELECT ${columns} FROM ${table} WHERE ${ofStream(stream)}`).join('\n UNION ALL ')

/** Selects the last line of every key without moving payloads about, and looks for it only where a key has several. */
function latestOf(staged: StagedStream): string {
  const {rows, keys} = staged
  if (rows === keys.count) return `(${linesOf(staged, 'idem_key, external_id, payload')})`
  return `(SELECT idem_key, external_id, payload FROM (${linesOf(staged, 'idem_key, external_id, payload, sequence')})
  WHERE sequence IN (SELECT MAX(sequence) FROM (${linesOf(staged, 'idem_key, sequence')}) GROUP BY idem_key))`
}

/** Compares the clustering columns in their order, all of them with constants. */
const isAmong = (stream: Stream, keys: KeySet): string =>
  `${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', keys)}`

const matches = (stream: Stream, keys: KeySet): string =>
  `${isAmong(stream, keys)}\n   AND stored.idem_key = fresh.idem_key`

/** Groups by what is constant, so that a stream without lines has no row. */
export const sizesOf = (stagingTables: readonly string[], streams: readonly Stream[]): string =>
  streams
    .map(
      (
        stream,
        index,
      ) => `SELECT '${index}' AS place, CAST(COUNT(*) AS STRING) AS row_count, ${keySetColumns('idem_key')}
 FROM (${linesOf({stream, stagingTables}, 'idem_key, object_type')}) GROUP BY object_type`,
    )
    .join('\nUNION ALL\n')

/** Reads no payload: that is all there is to know where every key is new. */
export const keysStored = ({rawObjects}: CommitTerms, streams: readonly StagedStream[]): string =>
  streams
    .map(
      (staged, index) => `SELECT '${index}' AS place,
   CAST(COUNT(*) AS STRING) AS row_count, ${keySetColumns('stored.idem_key')}
 FROM (SELECT DISTINCT idem_key FROM (${linesOf(staged, 'idem_key')})) AS fresh
 JOIN ${rawObjects} AS stored ON ${matches(staged.stream, staged.keys)} GROUP BY stored.object_type`,
    )
    .join('\nUNION ALL\n')

/** No other statement reads stored payloads; this one reads those of blocks that can hold a key that is `stored`. */
export const createStoredRows = (
  {rawObjects, startedAt, touchBefore}: CommitTerms,
  staged: StagedStream,
  stored: KeySet,
  {table, expires}: {readonly table: string; readonly expires: Date},
): string =>
  `CREATE OR REPLACE TABLE ${table} OPTIONS(expiration_timestamp = ${instant(expires)}, labels = [('tool', 'lorchestra')]) AS
 SELECT idem_key, changed, changed OR stale AS written, IF(changed OR stale, payload, NULL) AS payload FROM (
   SELECT fresh.idem_key, fresh.payload,
          stored.last_seen <= ${instant(startedAt)} AND TO_JSON_STRING(stored.payload) != TO_JSON_STRING(fresh.payload) AS changed,
          stored.last_seen <= ${instant(touchBefore)} AS stale
   FROM ${latestOf(staged)} AS fresh JOIN ${rawObjects} AS stored ON ${matches(staged.stream, stored)}
 )`

export const sizesOfStoredRows = (tables: readonly string[]): string =>
  tables
    .map(
      (table, index) => `SELECT '${index}' AS place, CAST(COUNTIF(changed) AS STRING) AS changed,
   ${keySetColumns('IF(written, idem_key, NULL)')} FROM ${table}`,
    )
    .join('\nUNION ALL\n')

const hasNew = ({staged, stored}: Classified): boolean => stored < staged.keys.count
const hasWritten = ({storedRows}: Classified): boolean => storedRows !== undefined && storedRows.written.count > 0

/** Holds where nobody else stored or removed a key since it was looked for; missing where no row is written. */
export const unchangedSince = ({rawObjects}: CommitTerms, classified: Classified): string | undefined => {
  const {staged, stored} = classified
  if (!hasNew(classified) && !hasWritten(classified)) return undefined
  return `(SELECT COUNT(*) FROM ${rawObjects} AS stored
   WHERE ${isAmong(staged.stream, staged.keys)} AND stored.idem_key IN (${linesOf(staged, 'idem_key')})) = ${stored}`
}

/**
 * Makes statements for a transaction: the rows that are new, then the ones that change. INSERT bills the staged rows
 * alone, UPDATE the blocks of the written ones.
 */
export function writeRows(terms: CommitTerms, classified: Classified): readonly string[] {
  const {staged, storedRows} = classified
  return [
    ...(hasNew(classified) ? [insertNew(terms, classified)] : []),
    ...(storedRows !== undefined && hasWritten(classified) ? [updateWritten(terms, staged.stream, storedRows)] : []),
  ]
}

function insertNew({rawObjects, startedAt}: CommitTerms, {staged, storedRows}: Classified): string {
  const {sourceSystem, objectType} = staged.stream
  const started = instant(startedAt)
  const unlessStored =
    storedRows === undefined
      ? ''
      : `\n LEFT JOIN ${storedRows.table} AS known ON known.idem_key = fresh.idem_key WHERE known.idem_key IS NULL`
  return `INSERT INTO ${rawObjects} (idem_key, source_system, object_type, external_id, payload, first_seen, last_seen)
 SELECT fresh.idem_key, ${literal(sourceSystem)}, ${literal(objectType)}, fresh.external_id, fresh.payload, ${started}, ${started}
 FROM ${latestOf(staged)} AS fresh${unlessStored}`
}

/** A MERGE that inserts nothing bills what an UPDATE … FROM would, and fails where two rows would write one. */
const updateWritten = ({rawObjects, startedAt}: CommitTerms, stream: Stream, {table, written}: StoredRows): string =>
  `MERGE INTO ${rawObjects} AS stored USING ${table} AS fresh
 ON ${matches(stream, written)}
 WHEN MATCHED AND fresh.written THEN UPDATE SET payload = fresh.payload, last_seen = ${instant(startedAt)}`
