import type {DuckDBConnection, DuckDBInstance} from '@duckdb/node-api'

import {CLOCK_TOLERANCE} from '../../model/clock.ts'
import type {Compared, CompareOptions, Comparison, InsertedSample} from '../comparison.ts'
import {keysIn} from '../key-index.ts'
import {assertOneRowPerKey} from '../surplus-rows.ts'
import {digestOf, type CommitBatch} from '../commit-batch.ts'
import {
  assertAllWereRead,
  comparedCountsOf,
  copyKeys,
  countClasses,
  countSurplusKeys,
  dropEqualValues,
  findChangedTexts,
  findCopiedKeys,
  findStoredKeys,
  stageChanged,
  type ClassCounts,
  type StoredRows,
} from './classify.ts'
import {MEMORY_LIMIT, startEngine, THREADS} from './connection.ts'
import {PieceRows} from './piece-rows.ts'
import {COMPARED_AS_TABLE, COMPARED_BY_VALUE} from './raw-object-sql.ts'
import {identifier, rowsOf} from './sql.ts'
import {saltedDigests, stage, stageKeys} from './staging.ts'
import {WatchedFile, type FileToWatch, type Pieces} from './watched-file.ts'

/** Less than for a commit, which holds an index: what does not fit goes into temporary files; bytes. */
const USUAL_MEMORY_LIMIT = 256_000_000
/** A piece reads the keys of so many rows. */
const ROWS_OF_KEYS = 1_000_000
/** More keys are looked up once and when the file is free: each piece would read them all, from temporary files. */
const MOST_LOOKED_UP_IN_PIECES = 500_000
/** A batch is compared from the beginning where the file changed meanwhile; the last time it goes on. */
const BEGINNINGS = 3
const CLASSES = ['copied_key$', 'stored_key$', 'changed$', 'changed_text$']
const NO_ROWS = 'no_rows$'
/** Stored rows that have changed, with their row ids. */
const CHANGED_ROWS: StoredRows['table'] = `(SELECT ${['stored_row AS rowid', 'payload', 'last_seen', ...COMPARED_BY_VALUE.map((name) => `former_${name} AS ${name}`)].join(', ')} FROM changed$)`
const OF_CHANGED_ROWS = ['payload', 'last_seen', ...COMPARED_BY_VALUE.map((name) => `${name} AS former_${name}`)]

interface ToOpen extends FileToWatch {
  /** @default 500,000 */
  readonly mostLookedUpInPieces?: number
}

/**
 * Classifies batches by the statements of a commit, in a database in memory that reads the file for a second at a time. What
 * earlier batches would have written stands in `written$`, and counts instead of the stored rows of its keys.
 */
export class DuckDBComparison implements Comparison {
  readonly since = new Date()
  readonly #given: ToOpen
  readonly #digests = saltedDigests()
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  readonly #file: WatchedFile
  /** The temporary tables of a batch are all there. */
  #hasCompared = false
  #written = 0

  private constructor(given: ToOpen, instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#given = given
    this.#instance = instance
    this.#connection = connection
    this.#file = new WatchedFile(given, connection)
  }

  static async open(given: ToOpen): Promise<DuckDBComparison> {
    const settings = {threads: String(THREADS.many), memory_limit: `${USUAL_MEMORY_LIMIT}B`}
    const instance = await startEngine(given.database, ':memory:', settings)
    const comparison = new DuckDBComparison(given, instance, await instance.connect())
    try {
      for (const table of ['written$', NO_ROWS]) {
        await comparison.#connection.run(`CREATE TEMP TABLE ${table} (${COMPARED_AS_TABLE}, last_seen TIMESTAMPTZ)`)
      }
      await comparison.#file.opened(() => Promise.resolve())
      return comparison
    } catch (error) {
      await comparison.close()
      throw error
    }
  }

  get tableExists(): boolean {
    return this.#file.tableExists
  }

  get moved(): Comparison['moved'] {
    return this.#file.moved
  }

  async compare(batch: CommitBatch, {isChanged, insertedSamples}: CompareOptions): Promise<Compared> {
    await this.#endLast()
    if (batch.rows === 0) return {counts: new Map(), inserted: [], unreadable: []}
    const connection = this.#connection
    // A large value is copied whole, and cannot go into a temporary file meanwhile.
    if (batch.loneRecords.length > 0) await connection.run(`SET memory_limit = '${MEMORY_LIMIT}B'`)
    await stage(connection, batch)
    await stageKeys(connection, this.#digests)
    await connection.run('CREATE TEMP TABLE to_write$ (idem_key VARCHAR, sequence BIGINT)')
    const classes: ClassCounts[] = []
    const replaced: bigint[] = []
    const settle = async (): Promise<void> => {
      await stageChanged(connection)
      replaced.push(await dropEqualValues(connection, {table: CHANGED_ROWS}, isChanged, batch.isDigested))
      classes.push(...(await countClasses(connection, batch.isDigested)))
      await connection.run('INSERT INTO to_write$ SELECT idem_key, sequence FROM changed$')
    }
    if (this.#written > 0) {
      await this.#restrictKeys('SEMI')
      const stored = {table: 'written$'}
      await findStoredKeys(connection, stored)
      await findChangedTexts(connection, stored, this.#digests, OF_CHANGED_ROWS)
      await settle()
      await this.#dropTables(...CLASSES)
      await this.#restrictKeys('ANTI')
    }
    const newest = new Date(batch.runStartedAt.getTime() + CLOCK_TOLERANCE)
    await this.#findInFile(newest, batch.rows)
    await settle()
    await connection.run(
      'INSERT INTO to_write$ SELECT idem_key, sequence FROM staged_key$ ANTI JOIN stored_key$ USING (sequence)',
    )
    assertAllWereRead(batch, classes)
    this.#hasCompared = true
    return {
      counts: comparedCountsOf(classes),
      inserted: await this.#inserted(insertedSamples, classes),
      unreadable: [],
      ...(batch.isDigested === true && {digest: digestOf([...replaced, ...classes.map(({digest}) => digest)])}),
    }
  }

  async written(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    await this.#endLast()
    return keysIn(this.#connection, 'written$', idemKeys)
  }

  close(): Promise<void> {
    this.#connection.closeSync()
    this.#instance.closeSync()
    return Promise.resolve()
  }

  /** What the last batch would have written is what the next one meets; its files are still there. */
  async #endLast(): Promise<void> {
    const connection = this.#connection
    if (this.#hasCompared && !this.#given.streams.isWritten) await this.#addWritten()
    this.#hasCompared = false
    // A comparison that failed has left some of these.
    for (const view of ['staged$', 'staged_text$']) await connection.run(`DROP VIEW IF EXISTS ${view}`)
    await this.#dropTables('arrived_key$', 'to_write$', 'lone_record$', 'staged_key$', ...CLASSES)
  }

  async #addWritten(): Promise<void> {
    const connection = this.#connection
    await connection.run('DELETE FROM written$ WHERE idem_key IN (SELECT idem_key FROM to_write$)')
    await connection.run(
      `INSERT INTO written$ BY NAME SELECT idem_key, payload${COMPARED_BY_VALUE.map((name) => `, ${name}`).join('')}, now() AS last_seen
       FROM staged_text$ SEMI JOIN to_write$ USING (sequence)`,
    )
    const [row] = await rowsOf(connection, 'SELECT count(*)::DOUBLE AS written FROM written$')
    this.#written = Number(row?.['written'])
  }

  async #restrictKeys(join: 'SEMI' | 'ANTI'): Promise<void> {
    const connection = this.#connection
    await connection.run('CREATE TEMP TABLE IF NOT EXISTS arrived_key$ AS FROM staged_key$')
    await connection.run(
      `CREATE OR REPLACE TEMP TABLE staged_key$ AS SELECT * FROM arrived_key$ ${join} JOIN written$ USING (idem_key)`,
    )
  }

  /** Fills `stored_key$` and `changed$` from the file, which is let go of now and then. */
  async #findInFile(newest: Date, keys: number): Promise<void> {
    for (let beginning = 1; ; beginning += 1) {
      await this.#dropTables(...CLASSES)
      const isLast = beginning === BEGINNINGS
      const pieces = isLast ? this.#rowsByRows(newest) : this.#keysThenPayloads(newest, keys)
      if (await this.#file.readInTurns(pieces, isLast)) return
      await pieces.return()
    }
  }

  /** Reads the payloads of stored rows alone, by their row ids: rows must not move meanwhile. */
  async *#keysThenPayloads(newest: Date, keys: number): Pieces {
    const connection = this.#connection
    const table = this.#table
    const highest = await this.#highestRow()
    const isCopied = keys > (this.#given.mostLookedUpInPieces ?? MOST_LOOKED_UP_IN_PIECES)
    for (let first = 0; first <= highest; first += ROWS_OF_KEYS) {
      const rows = {table, newest, rows: [first, first + ROWS_OF_KEYS]} as const
      await (isCopied ? copyKeys(connection, rows) : findStoredKeys(connection, rows))
      yield 'held'
    }
    yield 'apart'
    if (isCopied) await findCopiedKeys(connection, newest)
    await this.#assertOneRowPerKey()
    yield 'held'
    const size = new PieceRows()
    let first: number | undefined = 0
    do {
      const start: number = first
      const end = await size.next(start, async (rows) =>
        findChangedTexts(connection, {table, rows}, this.#digests, OF_CHANGED_ROWS),
      )
      first = await this.#nextStoredRow(end)
      yield 'held'
    } while (first !== undefined)
  }

  /** Finds keys and payloads of some rows at once. Rows may move between two pieces: none is then taken for another one, nor twice. */
  async *#rowsByRows(newest: Date): Pieces {
    const connection = this.#connection
    const highest = await this.#highestRow()
    const size = new PieceRows()
    for (let first = 0; first <= highest;) {
      const start = first
      first = await size.next(start, async (rows) => {
        const stored = {table: this.#table, newest, rows}
        await findStoredKeys(connection, stored)
        await connection.run(
          `DELETE FROM stored_key$ WHERE stored_row >= ${start}
           AND sequence IN (SELECT sequence FROM stored_key$ WHERE stored_row < ${start})`,
        )
        await findChangedTexts(connection, stored, this.#digests, OF_CHANGED_ROWS)
      })
      yield 'held'
    }
    yield 'apart'
    await this.#assertOneRowPerKey()
  }

  get #table(): string {
    const {tables} = this.#given.streams
    return this.#file.tableExists ? `warehouse.${identifier(tables.rawObjects)}` : NO_ROWS
  }

  async #highestRow(): Promise<number> {
    const sql = `SELECT coalesce(max(rowid), 0)::DOUBLE AS row FROM ${this.#table} AS stored`
    const [highest] = await rowsOf(this.#connection, sql)
    return Number(highest?.['row'])
  }

  async #nextStoredRow(from: number): Promise<number | undefined> {
    const sql = `SELECT min(stored_row)::DOUBLE AS row FROM stored_key$ WHERE stored_row >= ${from}`
    const row = (await rowsOf(this.#connection, sql))[0]?.['row']
    return typeof row === 'number' ? row : undefined
  }

  async #assertOneRowPerKey(): Promise<void> {
    assertOneRowPerKey(this.#given.streams.tables.rawObjects, await countSurplusKeys(this.#connection))
  }

  async #inserted(samples: number, classes: readonly ClassCounts[]): Promise<readonly InsertedSample[]> {
    // Looking for none would take as long.
    if (samples === 0 || !classes.some(({keys, stored}) => keys > stored)) return []
    const rows = await rowsOf(
      this.#connection,
      `SELECT idem_key, payload FROM staged_text$
       JOIN (SELECT sequence FROM staged_key$ ANTI JOIN stored_key$ USING (sequence) ORDER BY sequence LIMIT ${samples})
       USING (sequence) ORDER BY sequence`,
    )
    return rows.map((row) => ({idemKey: String(row['idem_key']), payload: String(row['payload'])}))
  }

  async #dropTables(...tables: readonly string[]): Promise<void> {
    for (const table of tables) await this.#connection.run(`DROP TABLE IF EXISTS ${table}`)
  }
}
