import {COMPARED, INSERTED_FROM_SPOOL, RUN_COLUMNS} from '../../model/raw-object-columns.ts'
import {
  RAW_OBJECT_COLUMNS,
  type ColumnDefinition,
  type RawObjectColumn,
  type RunColumn,
  type RunValues,
} from '../../model/tables.ts'
import type {Stream} from '../../source.ts'
import {BITS_OF_REPLACED, bitsIn, bitsOfKept, isAsDigested} from './digest-sql.ts'
import {isWithin, selectKeySet, type KeySet} from './key-set.ts'
import {instant, literal} from './sql.ts'
import type {StagingColumn} from './staging.ts'

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
  /** The number of staged keys that are stored. */
  readonly stored: number
  readonly changed: number
  readonly storedRows?: StoredRows
  /** The bits of all stored rows, where the commit is digested. */
  readonly bits?: bigint
}

/** A staging table holds the stored keys, with the payloads of the rows that are to be written. */
export interface StoredRows {
  readonly table: string
  readonly written: KeySet
}

export interface CommitTerms extends RunValues {
  readonly rawObjects: string
  /** So many streams share a statement. */
  readonly streams: number
  /** Staged rows bring along what a run writes of itself: it is theirs, and no row that was read later is changed. */
  readonly valuesOf: 'run' | 'staged rows'
  /** A row whose `last_seen` is later than this keeps its payload. */
  readonly newest: Date
  /** `last_seen` of an unchanged row is only moved where it is not later than this, */
  readonly touchBefore: Date
  /** or where an event of this log says that it was deleted since it was seen: it is there again. Missing: none is looked at. */
  readonly eventLog?: string
  /** Bits are made of the stored rows, and those of changed ones must be the same in the transaction. */
  readonly isDigested?: boolean
}

/** Columns of a stream's staged lines: what the stream says is a constant. */
const fresh = ({valuesOf}: Pick<CommitTerms, 'valuesOf'>): readonly RawObjectColumn[] => [
  ...INSERTED_FROM_SPOOL.filter(({from}) => from !== 'stream'),
  ...(valuesOf === 'staged rows' ? RUN_COLUMNS : []),
]

const namesOf = (columns: readonly RawObjectColumn[]): string => columns.map(({name}) => name).join(', ')

/** Loading would refuse some numbers that a double holds; this takes the double that is nearest. */
export const asJson = (name: string, safe = ''): string => `${safe}PARSE_JSON(${name}, wide_number_mode => 'round')`

/** A run stages JSON as text; rows of other tables hold JSON. */
const valuesIn = (terms: Pick<CommitTerms, 'valuesOf'>): string =>
  fresh(terms)
    .map(({name, type}) => (type === 'JSON' && terms.valuesOf === 'run' ? `${asJson(name)} AS ${name}` : name))
    .join(', ')

const isUnreadable = RAW_OBJECT_COLUMNS.filter(({type}) => type === 'JSON')
  .map(({name}) => `${asJson(name, 'SAFE.')} IS NULL`)
  .join(' OR ')

/** Selects the staged lines whose JSON cannot be read. */
export const unreadableLines = (stagingTables: readonly string[]): string =>
  stagingTables
    .map((table) => `SELECT source_system, object_type, idem_key FROM ${table} WHERE ${isUnreadable}`)
    .join('\nUNION ALL\n')

export const deleteUnreadable = (stagingTables: readonly string[]): string =>
  stagingTables.map((table) => `DELETE FROM ${table} WHERE ${isUnreadable}`).join(';\n')

const RUN_VALUES: Record<RunColumn['field'], (run: RunValues) => string> = {
  startedAt: ({startedAt}) => instant(startedAt),
  runId: ({runId}) => literal(runId),
}

export const union = (tables: readonly string[], columns: string): string =>
  tables.map((table) => `SELECT ${columns} FROM ${table}`).join('\nUNION ALL\n')

export const ofStream = ({sourceSystem, objectType}: Stream, prefix = ''): string =>
  `${prefix}source_system = ${literal(sourceSystem)} AND ${prefix}object_type = ${literal(objectType)}`

const linesOf = ({stream, stagingTables}: StagedLines, columns: string): string =>
  stagingTables.map((table) => `SELECT ${columns} FROM ${table} WHERE ${ofStream(stream)}`).join('\n UNION ALL ')

/** Selects the last line of every key without moving payloads about, and looks for it only where a key has several. */
function latestOf(staged: StagedStream, terms: Pick<CommitTerms, 'valuesOf'>): string {
  const {rows, keys} = staged
  if (rows === keys.count) return `(${linesOf(staged, valuesIn(terms))})`
  return `(SELECT ${valuesIn(terms)} FROM (${linesOf(staged, `${namesOf(fresh(terms))}, sequence`)})
  WHERE sequence IN (SELECT MAX(sequence) FROM (${linesOf(staged, 'idem_key, sequence')}) GROUP BY idem_key))`
}

/** Compares the clustering columns in their order, all of them with constants. */
const isAmong = (stream: Stream, keys: KeySet, {streams}: Pick<CommitTerms, 'streams'>): string =>
  `${ofStream(stream, 'stored.')} AND ${isWithin('stored.idem_key', keys, streams)}`

const matches = (stream: Stream, keys: KeySet, terms: Pick<CommitTerms, 'streams'>): string =>
  `${isAmong(stream, keys, terms)}\n   AND stored.idem_key = fresh.idem_key`

/** Gives each query a place, by which its rows are known; one without rows has none. */
const inPlaces = (queries: readonly string[]): string =>
  queries.map((query, index) => `SELECT '${index}' AS place, found.* FROM (${query}) AS found`).join('\nUNION ALL\n')

export const startOfKeys = ({objectType, sourceSystem}: Stream): string => `${objectType}:${sourceSystem}:`

export const sizesOf = (stagingTables: readonly string[], streams: readonly Stream[]): string =>
  inPlaces(
    streams.map((stream) =>
      selectKeySet(linesOf({stream, stagingTables}, 'idem_key'), startOfKeys(stream), {row_count: 'COUNT(*)'}),
    ),
  )

/** Counts the unreadable lines, too. */
export const sizesOfText = (stagingTables: readonly string[], streams: readonly Stream[]): string =>
  inPlaces(
    streams.map((stream) =>
      selectKeySet(
        linesOf({stream, stagingTables}, `idem_key, ${isUnreadable} AS is_unreadable`),
        startOfKeys(stream),
        {row_count: 'COUNT(*)', unreadable: 'COUNTIF(is_unreadable)'},
      ),
    ),
  )

/** Reads no payload: that is all there is to know where every key is new. */
export const keysStored = (terms: CommitTerms, streams: readonly StagedStream[]): string =>
  inPlaces(
    streams.map((staged) =>
      selectKeySet(
        `SELECT stored.idem_key FROM (SELECT DISTINCT idem_key FROM (${linesOf(staged, 'idem_key')})) AS fresh
 JOIN ${terms.rawObjects} AS stored ON ${matches(staged.stream, staged.keys, terms)}`,
        startOfKeys(staged.stream),
        {row_count: 'COUNT(*)'},
      ),
    ),
  )

/**
 * BigQuery's text of a JSON value has its members in order and no white space, so that equal values have equal texts, but for whole
 * numbers: 1.0 is a FLOAT64 and stays 1.0. Texts are passed over, so that nothing in them is taken for a number.
 */
const WHOLE_FLOAT = String.raw`("(?:[^"\\]|\\.)*")|-?(0)\.0([,\]}]|$)|(-?[1-9][0-9]*)\.0([,\]}]|$)`
const wholeNumbersAlike = (text: string): string => `REGEXP_REPLACE(${text}, r'${WHOLE_FLOAT}', r'\\1\\2\\3\\4\\5')`
const differsInValue = (one: string, other: string): string =>
  `IF(${one} = ${other}, FALSE, ${wholeNumbersAlike(one)} != ${wholeNumbersAlike(other)})`

export const differs = ({name, type}: RawObjectColumn): string =>
  type === 'JSON'
    ? differsInValue(`TO_JSON_STRING(stored.${name})`, `TO_JSON_STRING(fresh.${name})`)
    : `IFNULL(stored.${name} != fresh.${name}, (stored.${name} IS NULL) != (fresh.${name} IS NULL))`

/** A stored row has a new value of these where it is written. */
const writtenColumns = ({valuesOf}: CommitTerms): readonly RawObjectColumn[] => [
  ...COMPARED,
  ...(valuesOf === 'staged rows' ? RUN_COLUMNS : []),
]

export const storedRowsColumns = (terms: CommitTerms): readonly StagingColumn[] => [
  {name: 'idem_key', type: 'STRING'},
  {name: 'changed', type: 'BOOLEAN'},
  {name: 'written', type: 'BOOLEAN'},
  ...writtenColumns(terms).map(({name, type}) => ({name, type})),
  ...(terms.isDigested === true ? [{name: 'bits', type: 'INTEGER'} as const] : []),
]

/** No other statement reads stored payloads; this one reads those of blocks that can hold a key that is `stored`. */
export function selectStoredRows(terms: CommitTerms, staged: StagedStream, stored: KeySet): string {
  const {rawObjects, eventLog, newest, touchBefore, valuesOf, isDigested = false} = terms
  const ofRows = valuesOf === 'staged rows'
  const written = writtenColumns(terms)
  return `SELECT idem_key, changed, changed OR stale AS written, ${written.map(({name}) => `IF(changed OR stale, ${name}, NULL) AS ${name}`).join(', ')}${
    isDigested ? `, IF(changed, bits_of_replaced, ${bitsOfKept('newer')}) AS bits` : ''
  } FROM (
   SELECT fresh.idem_key, ${written.map(({name}) => `fresh.${name}`).join(', ')},
          stored.last_seen ${ofRows ? '< fresh.last_seen' : `<= ${instant(newest)}`} AND (${COMPARED.map(differs).join(' OR ')}) AS changed,
          stored.last_seen <= ${instant(touchBefore)}${eventLog === undefined ? '' : ' OR IFNULL(stored.last_seen <= deletion.told, FALSE)'} AS stale${
            isDigested
              ? `,\n          stored.last_seen > ${instant(newest)} AS newer, ${BITS_OF_REPLACED} AS bits_of_replaced`
              : ''
          }
   FROM ${latestOf(staged, terms)} AS fresh JOIN ${rawObjects} AS stored ON ${matches(staged.stream, stored, terms)}${
     eventLog === undefined ? '' : `\n   ${deletionsSince(eventLog, staged.stream, touchBefore)}`
   }
 )`
}

/** Older ones need not be looked at: a row that was not seen since is touched anyway. */
const deletionsSince = (eventLog: string, stream: Stream, since: Date): string =>
  `LEFT JOIN (SELECT idem_key, MAX(created_at) AS told FROM ${eventLog}
     WHERE created_at > ${instant(since)} AND ${ofStream(stream)} AND event_type = 'object.deleted' GROUP BY idem_key
   ) AS deletion ON deletion.idem_key = stored.idem_key`

/** A changed row is a written one. */
export const sizesOfStoredRows = (found: readonly {readonly table: string; readonly stream: Stream}[]): string =>
  inPlaces(
    found.map(({table, stream}) =>
      selectKeySet(`SELECT idem_key, changed FROM ${table} WHERE written`, startOfKeys(stream), {
        changed: 'COUNTIF(changed)',
      }),
    ),
  )

export const bitsOfStoredRows = (tables: readonly string[]): string => inPlaces(tables.map(bitsIn))

const hasNew = ({staged, stored}: Classified): boolean => stored < staged.keys.count
const hasWritten = ({storedRows}: Classified): boolean => storedRows !== undefined && storedRows.written.count > 0

/** Selects the rows of one table that another one holds with another value; `stored` is the other one's. */
export const differingRows = (table: string, other: string, stream: Stream): string =>
  `SELECT fresh.idem_key, TO_JSON_STRING(stored.payload) AS stored, TO_JSON_STRING(fresh.payload) AS staged,
   CAST(UNIX_MILLIS(stored.last_seen) AS STRING) AS last_seen, IF(stored.last_seen >= fresh.last_seen, 'newer', '') AS newer
 FROM ${table} AS fresh JOIN ${other} AS stored ON stored.idem_key = fresh.idem_key
 WHERE ${ofStream(stream, 'fresh.')} AND ${ofStream(stream, 'stored.')} AND (${COMPARED.map(differs).join(' OR ')})`

/** Selects some rows of a table whose keys the other one does not hold. */
export const newRows = (table: string, other: string | undefined, stream: Stream, rows: number): string =>
  `SELECT idem_key, TO_JSON_STRING(payload) AS payload FROM ${table} WHERE ${ofStream(stream)}${
    other === undefined ? '' : ` AND idem_key NOT IN (SELECT idem_key FROM ${other} WHERE ${ofStream(stream)})`
  } ORDER BY idem_key LIMIT ${rows}`

/**
 * Holds where nobody else stored or removed a key since it was looked for; missing where no row is written. Where the commit is
 * digested the keys must be the same ones, and what is replaced as it was.
 */
export const unchangedSince = (terms: CommitTerms, classified: Classified): string | undefined => {
  const {staged, stored, storedRows} = classified
  if (!hasNew(classified) && !hasWritten(classified)) return undefined
  const rows = `${terms.rawObjects} AS stored
   WHERE ${isAmong(staged.stream, staged.keys, terms)} AND stored.idem_key IN (${linesOf(staged, 'idem_key')})`
  if (terms.isDigested !== true || storedRows === undefined) return `(SELECT COUNT(*) FROM ${rows}) = ${stored}`
  return isAsDigested(rows, storedRows.table, stored)
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

function insertNew(terms: CommitTerms, {staged, storedRows}: Classified): string {
  const unlessStored =
    storedRows === undefined
      ? ''
      : `\n LEFT JOIN ${storedRows.table} AS known ON known.idem_key = fresh.idem_key WHERE known.idem_key IS NULL`
  return `INSERT INTO ${terms.rawObjects} (${RAW_OBJECT_COLUMNS.map(({name}) => name).join(', ')})
 SELECT ${RAW_OBJECT_COLUMNS.map((column) => newValue(column, staged.stream, terms)).join(', ')}
 FROM ${latestOf(staged, terms)} AS fresh${unlessStored}`
}

function newValue(column: RawObjectColumn, stream: Stream, terms: CommitTerms): string {
  if (column.from === 'run') return valueOf(column, terms)
  return column.from === 'stream' ? literal(stream[column.field]) : `fresh.${column.name}`
}

const valueOf = ({name, field}: ColumnDefinition & RunColumn, terms: CommitTerms): string =>
  terms.valuesOf === 'staged rows' ? `fresh.${name}` : RUN_VALUES[field](terms)

/** Yields what a written row gets, whether it changed or was only read again. */
function* writtenValues(terms: CommitTerms): Generator<string> {
  for (const column of RAW_OBJECT_COLUMNS as readonly RawObjectColumn[]) {
    const {name, from} = column
    if (from === 'stream' || from === 'key' || column.updated === 'never') continue
    const value = from === 'record' ? `fresh.${name}` : valueOf(column, terms)
    const onlyWhereChanged = from === 'run' && column.updated === 'onChange'
    yield `${name} = ${onlyWhereChanged ? `IF(fresh.changed, ${value}, stored.${name})` : value}`
  }
}

/** A MERGE that inserts nothing bills what an UPDATE … FROM would, and fails where two rows would write one. */
const updateWritten = (terms: CommitTerms, stream: Stream, {table, written}: StoredRows): string =>
  `MERGE INTO ${terms.rawObjects} AS stored USING ${table} AS fresh
 ON ${matches(stream, written, terms)}
 WHEN MATCHED AND fresh.written THEN UPDATE SET ${[...writtenValues(terms)].join(', ')}`
