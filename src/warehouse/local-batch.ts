import {readFile} from 'node:fs/promises'

import {DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection, type DuckDBValue} from '@duckdb/node-api'

import {COMPARED, SPOOL_HEAD} from '../model/raw-object-columns.ts'
import {COLUMN_END} from '../model/record-head.ts'
import type {CommitBatch, UnreadableRecord} from './commit-batch.ts'
import {keysIn} from './key-index.ts'
import {IS_PLAIN_JSON} from './plain-json.ts'
import {READ_IN_PIECES} from './record-lines.ts'

/** The engine keeps below this; bytes. */
const MEMORY_LIMIT = '400MB'

type Row = Readonly<Record<string, DuckDBValue>>

/** A record that is to be compared with a stored row. */
export interface LocalRecord {
  readonly idemKey: string
  readonly payload: string
  /** Values of the other compared columns, in the order of `COMPARED_COLUMNS`. */
  readonly values: readonly (string | null)[]
}

/** A line of a batch whose payload is perhaps no JSON to the warehouse. */
export interface RecordInDoubt extends Pick<UnreadableRecord, 'stream' | 'idemKey'> {
  readonly sequence: string
  readonly payload: string
}

/** A record, and what an earlier batch would have written under its key. */
export interface RewrittenRecord extends LocalRecord {
  readonly former: LocalRecord
}

/** These are compared beside the payload. */
export const COMPARED_COLUMNS = COMPARED.filter(({type}) => type !== 'JSON').map(({name}) => name)

const HEAD = SPOOL_HEAD.map(({name}) => name)
const COLUMNS = ['payload', ...COMPARED_COLUMNS]

/**
 * Holds the records of a batch by their keys, and what earlier batches would have written, in a database in memory that puts into
 * a folder what does not fit. Payloads stay the text that they are.
 */
export class LocalBatch {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(folder: string): Promise<LocalBatch> {
    const instance = await DuckDBInstance.create(':memory:', {
      memory_limit: MEMORY_LIMIT,
      temp_directory: folder,
      threads: '1',
      preserve_insertion_order: 'false',
    })
    const batch = new LocalBatch(instance, await instance.connect())
    await batch.#run(`CREATE TABLE written (idem_key VARCHAR, ${COLUMNS.map((name) => `${name} VARCHAR`).join(', ')})`)
    return batch
  }

  /** Reads lines of `TEXT_LINES`. The payload is the text behind the other members. */
  async stage({records, loneRecords, rows}: CommitBatch): Promise<void> {
    await this.#run('CREATE TABLE line (line VARCHAR)')
    if (records.length > 0) {
      await this.#run(
        `INSERT INTO line SELECT line FROM read_csv([${records.map(literal).join(', ')}], columns = {line: 'VARCHAR'},
           auto_detect = false, header = false, delim = ${literal(COLUMN_END)}, quote = '', escape = '', new_line = '\\n',
           ${READ_IN_PIECES})`,
      )
    }
    for (const file of loneRecords) {
      const line = (await readFile(file, 'utf8')).trimEnd()
      await this.#connection.run('INSERT INTO line VALUES ($line)', {line})
    }
    const head = HEAD.map((name) => `head->>'$.${name}' AS ${name}`).join(', ')
    await this.#run(
      `CREATE TABLE record AS
       SELECT ${head}, (head->>'$.sequence')::BIGINT AS sequence, payload
       FROM (SELECT (left(line, start - 1) || '}')::JSON AS head,
                    substr(line, start + ${PAYLOAD.length}, length(line) - start - ${PAYLOAD.length})::JSON->>'$' AS payload
             FROM (SELECT line, strpos(line, ${literal(PAYLOAD)}) AS start FROM line))`,
    )
    await this.#run('DROP TABLE line')
    const staged = await this.#count('SELECT count(*) FROM record')
    if (staged !== rows) throw new Error(`${rows} records were spooled but ${staged} were read back`)
    await this.#arrive()
    await this.#run('CREATE TABLE stored (idem_key VARCHAR, newer BOOLEAN)')
    await this.#run('CREATE TABLE to_write (idem_key VARCHAR)')
  }

  /** Gives the records, also those of a key that comes again, that some reader of JSON may refuse, in lists of so many `bytes`. */
  async *recordsInDoubt(bytes: number): AsyncGenerator<readonly RecordInDoubt[]> {
    const select = `SELECT idem_key, source_system, object_type, sequence::VARCHAR AS sequence, payload, strlen(payload) + 1 AS bytes
      FROM record WHERE NOT (${IS_PLAIN_JSON})`
    for await (const rows of this.#pages(select, bytes)) {
      yield rows.map((row) => ({
        stream: {sourceSystem: String(row['source_system']), objectType: String(row['object_type'])},
        idemKey: String(row['idem_key']),
        sequence: String(row['sequence']),
        payload: String(row['payload']),
      }))
    }
  }

  /** Takes records out of the batch, before anything is counted: an earlier one of the same key takes the place of each. */
  async leaveOut(records: readonly RecordInDoubt[]): Promise<void> {
    if (records.length === 0) return
    await this.#run(`DELETE FROM record WHERE sequence IN (${records.map(({sequence}) => sequence).join(', ')})`)
    await this.#arrive()
  }

  /** Answers with those of the keys that came more than once. */
  async repeated(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    return keysIn(this.#connection, '(FROM arrived WHERE copies > 1)', idemKeys)
  }

  async countsByObjectType(): Promise<
    readonly {readonly objectType: string; readonly keys: number; readonly duplicates: number}[]
  > {
    const rows = await this.#rows(
      `SELECT object_type, count(*)::DOUBLE AS keys, (sum(copies) - count(*))::DOUBLE AS duplicates
       FROM arrived GROUP BY object_type ORDER BY object_type`,
    )
    return rows.map((row) => ({
      objectType: String(row['object_type']),
      keys: Number(row['keys']),
      duplicates: Number(row['duplicates']),
    }))
  }

  /** Gives the keys of a stream that no earlier batch would have written, in their order, in lists of so many characters. */
  async *keysToLookUp(objectType: string, characters: number): AsyncGenerator<readonly string[]> {
    const select = `SELECT idem_key, strlen(idem_key) + 1 AS bytes FROM arrived ANTI JOIN written USING (idem_key)
      WHERE object_type = ${literal(objectType)}`
    for await (const rows of this.#pages(select, characters)) yield rows.map((row) => String(row['idem_key']))
  }

  async addStored(stored: readonly {readonly idemKey: string; readonly newer: boolean}[]): Promise<void> {
    for (const newer of [true, false]) {
      const keys = stored.filter((row) => row.newer === newer).map(({idemKey}) => idemKey)
      if (keys.length === 0) continue
      await this.#connection.run(
        `INSERT INTO stored SELECT unnest($keys), ${newer}`,
        {keys: listValue(keys)},
        {keys: LIST(VARCHAR)},
      )
    }
  }

  /** Gives the records of a stream that have a stored row to be compared with, in the order of their keys. */
  async *recordsToCompare(objectType: string, bytes: number): AsyncGenerator<readonly LocalRecord[]> {
    await this.#run(
      `CREATE OR REPLACE TABLE to_compare AS
       SELECT record.* FROM record JOIN arrived USING (idem_key, sequence) SEMI JOIN (FROM stored WHERE NOT newer) AS old USING (idem_key)
       WHERE record.object_type = ${literal(objectType)}`,
    )
    const select = `SELECT idem_key, ${COLUMNS.join(', ')}, strlen(payload) + 1 AS bytes FROM to_compare`
    for await (const rows of this.#pages(select, bytes)) yield rows.map(recordIn(''))
  }

  /** Gives the records of a stream whose keys an earlier batch would have written with another text. */
  async *rewritten(objectType: string, bytes: number): AsyncGenerator<readonly RewrittenRecord[]> {
    const both = COLUMNS.flatMap((name) => [`record.${name} AS ${name}`, `written.${name} AS former_${name}`])
    const differs = COLUMNS.map((name) => `record.${name} IS DISTINCT FROM written.${name}`)
    await this.#run(
      `CREATE OR REPLACE TABLE to_compare AS
       SELECT idem_key, ${both.join(', ')} FROM record JOIN arrived USING (idem_key, sequence) JOIN written USING (idem_key)
       WHERE record.object_type = ${literal(objectType)} AND (${differs.join(' OR ')})`,
    )
    const select = 'SELECT *, strlen(payload) + strlen(former_payload) + 2 AS bytes FROM to_compare'
    for await (const rows of this.#pages(select, bytes)) {
      yield rows.map((row) => ({...recordIn('')(row), former: recordIn('former_')(row)}))
    }
  }

  async addToWrite(idemKeys: readonly string[]): Promise<void> {
    if (idemKeys.length === 0) return
    await this.#connection.run(
      'INSERT INTO to_write SELECT unnest($keys)',
      {keys: listValue([...idemKeys])},
      {keys: LIST(VARCHAR)},
    )
  }

  /** Counts the keys of a stream that an earlier batch would have written. */
  async countWritten(objectType: string): Promise<number> {
    return this.#count(
      `SELECT count(*) FROM arrived SEMI JOIN written USING (idem_key) WHERE object_type = ${literal(objectType)}`,
    )
  }

  /** Makes the bits of the stored rows that stay, also of those that an earlier batch would have written; `without` came for nothing. */
  async bitsOfKept(bitsOf: (text: string) => string, without: readonly string[]): Promise<bigint> {
    const reader = await this.#connection.runAndReadAll(
      `SELECT bit_xor(${bitsOf("CASE WHEN newer THEN 'newer' ELSE 'kept' END || chr(10) || idem_key")}) AS bits
       FROM (FROM stored UNION ALL SELECT idem_key, false FROM written SEMI JOIN arrived USING (idem_key))
       ANTI JOIN to_write USING (idem_key) WHERE NOT list_contains($without, idem_key)`,
      {without: listValue([...without])},
      {without: LIST(VARCHAR)},
    )
    const [row] = reader.getRowObjects()
    return typeof row?.['bits'] === 'bigint' ? row['bits'] : 0n
  }

  /** Gives the first records that nobody has stored. */
  async firstNew(records: number): Promise<readonly LocalRecord[]> {
    const rows = await this.#rows(
      `SELECT idem_key, ${COLUMNS.join(', ')} FROM record JOIN arrived USING (idem_key, sequence)
       WHERE idem_key IN (${NEW_KEYS}) ORDER BY sequence LIMIT ${records}`,
    )
    return rows.map(recordIn(''))
  }

  /** Ends the batch; where `isWritten`, somebody has written it, and it is not kept for the next one. */
  async end(isWritten: boolean): Promise<void> {
    if (!isWritten) {
      await this.#run(`INSERT INTO to_write ${NEW_KEYS}`)
      await this.#run('DELETE FROM written WHERE idem_key IN (FROM to_write)')
      await this.#run(
        `INSERT INTO written BY NAME SELECT idem_key, ${COLUMNS.join(', ')}
         FROM record JOIN arrived USING (idem_key, sequence) WHERE idem_key IN (FROM to_write)`,
      )
    }
    for (const table of ['record', 'arrived', 'stored', 'to_write']) await this.#run(`DROP TABLE ${table}`)
    await this.#run('DROP TABLE IF EXISTS to_compare')
  }

  /** Answers with those of the keys under which a batch that is ended would have written. */
  async written(idemKeys: readonly string[]): Promise<ReadonlySet<string>> {
    return keysIn(this.#connection, 'written', idemKeys)
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  /** Cuts into pages of about so many `bytes`, in the order of keys. */
  async *#pages(select: string, bytes: number): AsyncGenerator<readonly Row[]> {
    const pages = await this.#rows(
      `SELECT min(idem_key) AS first, max(idem_key) AS last
       FROM (SELECT idem_key, sum(bytes) OVER (ORDER BY idem_key) // ${bytes} AS page FROM (${select}))
       GROUP BY page ORDER BY page`,
    )
    for (const {first, last} of pages) {
      yield this.#rows(
        `SELECT * FROM (${select}) WHERE idem_key BETWEEN ${literal(String(first))} AND ${literal(String(last))} ORDER BY idem_key`,
      )
    }
  }

  async #arrive(): Promise<void> {
    await this.#run(
      `CREATE OR REPLACE TABLE arrived AS
       SELECT idem_key, source_system, object_type, max(sequence) AS sequence, count(*) AS copies
       FROM record GROUP BY idem_key, source_system, object_type`,
    )
  }

  async #run(sql: string): Promise<void> {
    await this.#connection.run(sql)
  }

  async #rows(sql: string): Promise<readonly Row[]> {
    return (await this.#connection.runAndReadAll(sql)).getRowObjects()
  }

  async #count(sql: string): Promise<number> {
    const [row] = (await this.#connection.runAndReadAll(sql)).getRows()
    return Number(row?.[0])
  }
}

/** Stands before the payload in a line. No text of JSON holds it: there its quotes have backslashes. */
const PAYLOAD = ',"payload":'
const NEW_KEYS = 'SELECT idem_key FROM arrived ANTI JOIN stored USING (idem_key) ANTI JOIN written USING (idem_key)'

const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`

const recordIn =
  (prefix: string) =>
  (row: Row): LocalRecord => ({
    idemKey: String(row['idem_key']),
    payload: String(row[`${prefix}payload`]),
    values: COMPARED_COLUMNS.map((name) => {
      const value = row[`${prefix}${name}`]
      return typeof value === 'string' ? value : null
    }),
  })
