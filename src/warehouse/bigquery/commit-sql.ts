import type {Stream} from '../../source.ts'
import {insist, instant, literal} from './sql.ts'

/** A stream's staged rows, and between which keys they lie: constants let BigQuery skip what is clustered elsewhere. */
export interface StagedStream {
  readonly stream: Stream
  /** The staging table of its last line for every key. */
  readonly fresh: string
  readonly rows: number
  readonly keys: number
  readonly lowest: string
  readonly highest: string
}

/** What a merge of the stream would do. */
export interface Classified {
  readonly staged: StagedStream
  readonly stored: number
  readonly changed: number
  /** Of the stored rows, those that the merge writes: changed ones and ones whose `last_seen` it moves. */
  readonly written: number
}

export interface MergeTerms {
  readonly rawObjects: string
  readonly startedAt: Date
  /** `last_seen` of an unchanged row is only moved where it is not later than this. */
  readonly touchBefore: Date
}

/** A table of its own, because it is read several times, and so that no emulator has to merge from a subquery. */
export const createFresh = (fresh: string, stagingTables: readonly string[], stream: Stream, expires: Date): string =>
  `CREATE OR REPLACE TABLE ${fresh} OPTIONS(expiration_timestamp = ${instant(expires)}, labels = [('tool', 'lorchestra')]) AS
 SELECT idem_key, source_system, object_type, external_id, payload, copies FROM (
   SELECT idem_key, source_system, object_type, external_id, payload,
          COUNT(*) OVER (PARTITION BY idem_key) AS copies,
          ROW_NUMBER() OVER (PARTITION BY idem_key ORDER BY sequence DESC) AS place
   FROM (${union(stagingTables, '*')}) WHERE ${ofStream(stream)}
 ) WHERE place = 1`

export const sizesOf = (fresh: readonly string[]): string =>
  unionAll(
    fresh.map(
      (
        table,
        index,
      ) => `SELECT '${index}' AS place, CAST(SUM(copies) AS STRING) AS row_count, CAST(COUNT(*) AS STRING) AS key_count,
   MIN(idem_key) AS lowest, MAX(idem_key) AS highest FROM ${table}`,
    ),
  )

/** Reads no payload: that is all there is to know where every key is new. */
export const keysStored = ({rawObjects}: MergeTerms, streams: readonly StagedStream[]): string =>
  unionAll(
    streams.map(
      (staged, index) => `SELECT '${index}' AS place, CAST(COUNT(*) AS STRING) AS stored_rows,
   CAST(COUNT(DISTINCT stored.idem_key) AS STRING) AS stored_keys
 FROM ${staged.fresh} AS fresh JOIN ${rawObjects} AS stored ON ${matches(staged)}`,
    ),
  )

export const payloadsChanged = (terms: MergeTerms, streams: readonly StagedStream[]): string =>
  unionAll(
    streams.map(
      (staged, index) => `SELECT '${index}' AS place, CAST(COUNTIF(differs) AS STRING) AS changed,
   CAST(COUNTIF(differs OR last_seen <= ${instant(terms.touchBefore)}) AS STRING) AS written
 FROM (SELECT stored.last_seen AS last_seen, TO_JSON_STRING(stored.payload) != TO_JSON_STRING(fresh.payload) AS differs
       FROM ${staged.fresh} AS fresh JOIN ${terms.rawObjects} AS stored ON ${matches(staged)}
       WHERE stored.last_seen <= ${instant(terms.startedAt)}) AS matched`,
    ),
  )

/** What the transaction looks at first: that nobody else stored or removed one of the keys meanwhile. */
export const asManyStored = ({rawObjects}: MergeTerms, {staged, stored}: Classified): string =>
  insist(
    `(SELECT COUNT(*) FROM ${staged.fresh} AS fresh JOIN ${rawObjects} AS stored ON ${matches(staged)}) = ${stored}`,
    'changedMeanwhile',
  )

/**
 * Only the clauses that have something to do: without UPDATE it bills the columns that it reads and not the table.
 * `undefined` where nothing is to be written.
 */
export function mergeStatement(terms: MergeTerms, {staged, stored, written}: Classified): string | undefined {
  const started = instant(terms.startedAt)
  const clauses: string[] = []
  if (written > 0) {
    clauses.push(`WHEN MATCHED AND stored.last_seen <= ${started}
   AND (stored.last_seen <= ${instant(terms.touchBefore)} OR TO_JSON_STRING(stored.payload) != TO_JSON_STRING(fresh.payload))
   THEN UPDATE SET payload = fresh.payload, last_seen = ${started}`)
  }
  if (stored < staged.keys) {
    clauses.push(`WHEN NOT MATCHED THEN INSERT (idem_key, source_system, object_type, external_id, payload, first_seen, last_seen)
   VALUES (fresh.idem_key, fresh.source_system, fresh.object_type, fresh.external_id, fresh.payload, ${started}, ${started})`)
  }
  if (clauses.length === 0) return undefined
  return `MERGE INTO ${terms.rawObjects} AS stored USING ${staged.fresh} AS fresh\n ON ${matches(staged)}\n ${clauses.join('\n ')}`
}

/** The clustering columns in their order, the first two and the range of the third as constants. */
const matches = ({stream, lowest, highest}: StagedStream): string =>
  `${ofStream(stream, 'stored.')} AND stored.idem_key BETWEEN ${literal(lowest)} AND ${literal(highest)}
   AND stored.idem_key = fresh.idem_key`

const ofStream = ({sourceSystem, objectType}: Stream, prefix = ''): string =>
  `${prefix}source_system = ${literal(sourceSystem)} AND ${prefix}object_type = ${literal(objectType)}`

export const union = (tables: readonly string[], columns: string): string =>
  unionAll(tables.map((table) => `SELECT ${columns} FROM ${table}`))

const unionAll = (parts: readonly string[]): string => parts.join('\nUNION ALL\n')
