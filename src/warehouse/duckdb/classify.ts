import {hash} from 'node:crypto'

import type {DuckDBConnection} from '@duckdb/node-api'

import type {CommitBatch} from '../commit-batch.ts'
import type {ChangedRow, ComparedCounts} from '../comparison.ts'
import {COMPARED_BY_VALUE} from './raw-object-sql.ts'
import type {Digests} from './staging.ts'
import {literal, rowsOf} from './sql.ts'

/** The rows that records are compared with. */
export interface StoredRows {
  /** The table, quoted. */
  readonly table: string
  /** A row that was read after this keeps its payload; missing: none does. */
  readonly newest?: Date
  /** Row ids from the first, up to but without the second; all rows where it is missing. */
  readonly rows?: readonly [number, number]
}

/** So many bytes of payloads are compared at a time. */
const PAGE_BYTES = 16 * 1024 * 1024
/** A record that is read more often than this is better put in the order of the rows first. */
const MOST_READINGS = 4

/**
 * Adds the stored rows of staged keys to `stored_key$`, each with what its text is to be compared with: looking it up again for
 * each piece of many rows would read all staged keys so many times.
 */
export async function findStoredKeys(connection: DuckDBConnection, {table, newest, rows}: StoredRows): Promise<void> {
  const newer = newest === undefined ? 'false' : `stored.last_seen > ${literal(newest.toISOString())}::TIMESTAMPTZ`
  await addTo(
    connection,
    'stored_key$',
    `SELECT ${['sequence', 'bytes', 'digest_1', 'digest_2', ...COMPARED_BY_VALUE].map((name) => `staged_key$.${name}`).join(', ')},
            stored.rowid AS stored_row, ${newer} AS newer
     FROM staged_key$ JOIN ${table} AS stored USING (idem_key)${where('stored.rowid', rows)}`,
  )
}

/** Copies stored keys into `copied_key$`, so that they can be looked up while the file is somebody else's. */
export async function copyKeys(connection: DuckDBConnection, {table, rows}: StoredRows): Promise<void> {
  const select = `SELECT idem_key, rowid AS stored_row, last_seen FROM ${table}${where('rowid', rows)}`
  await addTo(connection, 'copied_key$', select)
}

/** Adds the stored rows of staged keys to `stored_key$`, by their order, so that pieces of them can be read. */
export async function findCopiedKeys(connection: DuckDBConnection, newest: Date): Promise<void> {
  await findStoredKeys(connection, {
    table: '(SELECT idem_key, stored_row AS rowid, last_seen FROM copied_key$)',
    newest,
  })
  await connection.run('DROP TABLE copied_key$')
  await connection.run('CREATE OR REPLACE TEMP TABLE stored_key$ AS FROM stored_key$ ORDER BY stored_row')
}

/**
 * Adds to `changed$` the stored rows whose text is another one than that of their staged record, with `columns` of theirs.
 * No join holds a payload: texts are compared by their digests.
 */
export async function findChangedTexts(
  connection: DuckDBConnection,
  {table, rows}: StoredRows,
  digests: Digests,
  columns: readonly string[],
): Promise<void> {
  const differs = [
    'false',
    ...COMPARED_BY_VALUE.map((name) => `stored.${name} IS DISTINCT FROM stored_key$.${name}`),
  ].join(' OR ')
  const read = ['rowid AS stored_row', 'idem_key', 'strlen(payload) AS bytes$', ...columns, ...COMPARED_BY_VALUE].join(
    ', ',
  )
  await addTo(
    connection,
    'changed$',
    `SELECT stored.idem_key, sequence, ${differs} AS differs$,
            stored.* EXCLUDE (${['idem_key', 'digest_1', 'digest_2', 'bytes$', ...COMPARED_BY_VALUE].join(', ')}),
            stored.bytes$ AS former_bytes$, stored.bytes$ + stored_key$.bytes AS bytes$
     FROM (SELECT ${read}, ${digests[0]} AS digest_1, ${digests[1]} AS digest_2 FROM ${table}${where('rowid', rows)}) AS stored
     JOIN (FROM stored_key$${where('stored_row', rows)}) AS stored_key$ USING (stored_row)
     WHERE NOT newer
       AND (stored.digest_1 != stored_key$.digest_1 OR stored.digest_2 != stored_key$.digest_2 OR ${differs})`,
  )
}

/** Makes `changed_text$`, the staged records of changed rows: they are read from the spool once, and written from here. */
export async function stageChanged(connection: DuckDBConnection): Promise<void> {
  await connection.run(
    'CREATE TEMP TABLE changed_text$ AS SELECT staged$.* FROM staged$ JOIN changed$ USING (sequence)',
  )
}

/**
 * Takes the rows out of `changed$` whose texts are one value, by the answer of `isChanged` to each of them. Row ids bound
 * what is read at a time, and payloads what is held. Answers with the digest of the values that the others hold, where one is wanted.
 */
export async function dropEqualValues(
  connection: DuckDBConnection,
  {table, rows}: Pick<StoredRows, 'table' | 'rows'>,
  isChanged: (row: ChangedRow) => boolean,
  isDigested = false,
): Promise<bigint> {
  let digest = 0n
  const pages = await pagesOf(connection, rows)
  if (pages.length === 0) return digest
  const text = await textsByPage(connection, pages)
  for (const page of pages) {
    const range = page.storedRows
    const texts = await rowsOf(
      connection,
      `SELECT changed$.idem_key, differs$, stored_row::DOUBLE AS stored_row, stored.payload::VARCHAR AS stored,
              changed_text$.payload::VARCHAR AS staged, epoch_ms(stored.last_seen)::DOUBLE AS last_seen, ${VALUES} AS values$
       FROM changed$ JOIN ${text.table} AS changed_text$ USING (sequence) JOIN ${table} AS stored ON stored.rowid = stored_row
       ${where('stored_row', range)} AND ${within('stored.rowid', range)} AND ${text.within(page)} ORDER BY sequence`,
    )
    const equal = texts.filter(
      (row) =>
        !isChanged({
          idemKey: String(row['idem_key']),
          stored: String(row['stored']),
          staged: String(row['staged']),
          lastSeen: new Date(Number(row['last_seen'])),
        }) && row['differs$'] === false,
    )
    if (isDigested) {
      const dropped = new Set(equal)
      for (const row of texts.filter((one) => !dropped.has(one))) digest ^= bitsOfReplaced(row)
    }
    if (equal.length === 0) continue
    await connection.run(
      `DELETE FROM changed$ WHERE stored_row IN (${equal.map((row) => String(row['stored_row'])).join(', ')})`,
    )
  }
  await connection.run('DROP TABLE IF EXISTS ordered_text$')
  return digest
}

interface Page {
  readonly storedRows: readonly [number, number]
  readonly sequences: readonly [number, number]
}

/** Divides the changed rows, in the order in which they are stored, into pages that can be held. */
async function pagesOf(connection: DuckDBConnection, rows: StoredRows['rows']): Promise<readonly Page[]> {
  const pages = await rowsOf(
    connection,
    `SELECT min(stored_row)::DOUBLE AS first, max(stored_row)::DOUBLE AS last,
            min(sequence)::DOUBLE AS first_sequence, max(sequence)::DOUBLE AS last_sequence
     FROM (SELECT stored_row, sequence, sum(bytes$) OVER (ORDER BY stored_row) // ${PAGE_BYTES} AS page
           FROM changed$${where('stored_row', rows)})
     GROUP BY page ORDER BY page`,
  )
  return pages.map((page) => ({
    storedRows: [Number(page['first']), Number(page['last']) + 1],
    sequences: [Number(page['first_sequence']), Number(page['last_sequence']) + 1],
  }))
}

interface TextsByPage {
  readonly table: string
  readonly within: (page: Page) => string
}

/**
 * Says where the records of a page are read, so that each is read once or a few times, and not with every page. Mostly they come in
 * the order of the rows; where they do not, they are put in it.
 */
async function textsByPage(connection: DuckDBConnection, pages: readonly Page[]): Promise<TextsByPage> {
  const all =
    Math.max(...pages.map(({sequences}) => sequences[1])) - Math.min(...pages.map(({sequences}) => sequences[0]))
  const read = pages.reduce((sum, {sequences: [first, end]}) => sum + end - first, 0)
  if (read <= MOST_READINGS * all)
    return {table: 'changed_text$', within: ({sequences}) => within('changed_text$.sequence', sequences)}
  await connection.run(
    `CREATE OR REPLACE TEMP TABLE ordered_text$ AS
     SELECT changed_text$.*, stored_row AS place$ FROM changed_text$ JOIN changed$ USING (sequence) ORDER BY stored_row`,
  )
  return {table: 'ordered_text$', within: ({storedRows}) => within('changed_text$.place$', storedRows)}
}

/** Lists the compared values of a stored row beside its payload, as one text. */
const VALUES = `to_json([${COMPARED_BY_VALUE.map((name) => `stored.${name}::VARCHAR`).join(', ')}]::VARCHAR[])::VARCHAR`

const bitsOfReplaced = (row: Readonly<Record<string, unknown>>): bigint =>
  hash(
    'sha256',
    `${String(row['idem_key'])}\n${String(row['values$'])}\n${String(row['stored'])}`,
    'buffer',
  ).readBigUInt64LE()

/** What became of the records of one object type. */
export interface ClassCounts {
  readonly objectType: string
  readonly keys: number
  readonly stored: number
  readonly newer: number
  readonly changed: number
  readonly duplicates: number
  /** That of keys which are not stored and of rows that are newer, where one is wanted. */
  readonly digest: bigint
}

/** Counts what stands in the temporary tables. A key begins with its object type, so that this need not be held for each key. */
export async function countClasses(connection: DuckDBConnection, isDigested = false): Promise<readonly ClassCounts[]> {
  // Not by `hash`, which may be another one in the next version of DuckDB.
  const bits = (kind: string): string => `md5_number_lower('${kind}\n' || staged_key$.idem_key)`
  const digest = `bit_xor(CASE WHEN stored_key$.sequence IS NULL THEN ${bits('new')} WHEN newer THEN ${bits('newer')} END)`
  const rows = await rowsOf(
    connection,
    `SELECT split_part(staged_key$.idem_key, ':', 1) AS object_type, sum(copies)::DOUBLE AS staged, count(*)::DOUBLE AS keys,
            count(stored_key$.sequence)::DOUBLE AS stored, count(CASE WHEN newer THEN 1 END)::DOUBLE AS newer,
            count(changed$.sequence)::DOUBLE AS changed, ${isDigested ? digest : 'NULL'} AS digest
     FROM staged_key$ LEFT JOIN stored_key$ USING (sequence) LEFT JOIN changed$ USING (sequence)
     GROUP BY ALL ORDER BY ALL`,
  )
  return rows.map((row) => ({
    objectType: String(row['object_type']),
    keys: Number(row['keys']),
    stored: Number(row['stored']),
    newer: Number(row['newer']),
    changed: Number(row['changed']),
    duplicates: Number(row['staged']) - Number(row['keys']),
    digest: typeof row['digest'] === 'bigint' ? row['digest'] : 0n,
  }))
}

/** Adds up what stands of each object type. */
export function comparedCountsOf(classes: readonly ClassCounts[]): ReadonlyMap<string, ComparedCounts> {
  const counts = new Map<string, ComparedCounts>()
  for (const {objectType, keys, stored, newer, changed, duplicates} of classes) {
    const {insert = 0, update = 0, unchanged = 0, newer: former = 0, duplicate = 0} = counts.get(objectType) ?? {}
    counts.set(objectType, {
      insert: insert + keys - stored,
      update: update + changed,
      unchanged: unchanged + stored - changed - newer,
      newer: former + newer,
      duplicate: duplicate + duplicates,
    })
  }
  return counts
}

/** Throws where not all lines of a batch were read back. */
export function assertAllWereRead(batch: CommitBatch, counts: readonly ClassCounts[]): void {
  const staged = counts.reduce((sum, {keys, duplicates}) => sum + keys + duplicates, 0)
  if (staged !== batch.rows) throw new Error(`${batch.rows} records were spooled but ${staged} were read back`)
}

/** Counts the stored rows of staged keys beyond the first one of a key. */
export async function countSurplusKeys(connection: DuckDBConnection): Promise<number> {
  const [row] = await rowsOf(
    connection,
    'SELECT (count(*) - count(DISTINCT sequence))::DOUBLE AS surplus FROM stored_key$',
  )
  return Number(row?.['surplus'])
}

const where = (column: string, rows: StoredRows['rows']): string =>
  rows === undefined ? '' : ` WHERE ${within(column, rows)}`

const within = (column: string, [first, end]: readonly [number, number]): string =>
  `${column} >= ${first} AND ${column} < ${end}`

async function addTo(connection: DuckDBConnection, table: string, select: string): Promise<void> {
  await connection.run(`CREATE TEMP TABLE IF NOT EXISTS ${table} AS SELECT * FROM (${select}) LIMIT 0`)
  await connection.run(`INSERT INTO ${table} ${select}`)
}
