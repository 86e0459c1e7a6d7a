import {DuckDBInstance, LIST, listValue, VARCHAR, type DuckDBConnection} from '@duckdb/node-api'

/** DuckDB keeps below this; bytes. */
const MEMORY_LIMIT = '512MB'
/** So many examples of each kind are named, and so many rows of each key that several would have. */
const MOST_NAMED = 3

/** A stored row, and the key that its payload has now; `undefined`: it has none. */
export interface ReplayedKey {
  readonly stored: string
  readonly now: string | undefined
}

/** What became of the keys of stored rows. */
export interface ReplayedRows {
  readonly rows: number
  readonly same: number
  readonly other: {
    readonly count: number
    readonly examples: readonly {readonly stored: string; readonly now: string}[]
  }
  /** Rows of which several would have one key. */
  readonly merged: {
    readonly rows: number
    readonly keys: number
    readonly examples: readonly {readonly now: string; readonly stored: readonly string[]}[]
  }
  /** Rows whose payload has no key. */
  readonly failed: {readonly count: number; readonly examples: readonly string[]}
}

/** Gathers keys, millions of them in a bounded memory: what does not fit spills into a folder. A row counts as it came last. */
export class ReplayedKeys {
  readonly #instance: DuckDBInstance
  readonly #connection: DuckDBConnection
  #pages = 0

  private constructor(instance: DuckDBInstance, connection: DuckDBConnection) {
    this.#instance = instance
    this.#connection = connection
  }

  static async open(folder: string): Promise<ReplayedKeys> {
    const instance = await DuckDBInstance.create(':memory:', {memory_limit: MEMORY_LIMIT, temp_directory: folder})
    const connection = await instance.connect()
    await connection.run('CREATE TABLE came (stored VARCHAR, now VARCHAR, page INTEGER)')
    return new ReplayedKeys(instance, connection)
  }

  async add(keys: readonly ReplayedKey[]): Promise<void> {
    this.#pages += 1
    await this.#connection.run(
      `INSERT INTO came SELECT unnest($stored), nullif(unnest($now), ''), ${this.#pages}`,
      {stored: listValue(keys.map(({stored}) => stored)), now: listValue(keys.map(({now}) => now ?? ''))},
      {stored: LIST(VARCHAR), now: LIST(VARCHAR)},
    )
  }

  async result(): Promise<ReplayedRows> {
    await this.#connection.run(
      'CREATE TABLE replayed AS SELECT stored, arg_max_null(now, page) AS now FROM came GROUP BY stored',
    )
    await this.#connection.run(
      'CREATE TABLE shared AS SELECT now, count(*) AS row_count FROM replayed WHERE now IS NOT NULL GROUP BY now HAVING count(*) > 1',
    )
    const [rows = 0, same = 0, failed = 0] = await this.#numbers(
      'SELECT count(*), count(*) FILTER (now = stored), count(*) FILTER (now IS NULL) FROM replayed',
    )
    const [keys = 0, merged = 0] = await this.#numbers('SELECT count(*), coalesce(sum(row_count), 0) FROM shared')
    const shared: {readonly now: string; readonly stored: readonly string[]}[] = []
    for (const [now = ''] of await this.#some('SELECT now FROM shared ORDER BY row_count DESC, now')) {
      const stored = await this.#some('SELECT stored FROM replayed WHERE now = $now ORDER BY stored', {now})
      shared.push({now, stored: stored.map(([key = '']) => key)})
    }
    const others = await this.#some('SELECT stored, now FROM replayed WHERE now <> stored ORDER BY stored')
    const without = await this.#some('SELECT stored FROM replayed WHERE now IS NULL ORDER BY stored')
    return {
      rows,
      same,
      other: {count: rows - same - failed, examples: others.map(([stored = '', now = '']) => ({stored, now}))},
      merged: {rows: merged, keys, examples: shared},
      failed: {count: failed, examples: without.map(([stored = '']) => stored)},
    }
  }

  close(): void {
    this.#connection.closeSync()
    this.#instance.closeSync()
  }

  async #numbers(sql: string): Promise<readonly number[]> {
    const reader = await this.#connection.runAndReadAll(sql)
    return (reader.getRows()[0] ?? []).map(Number)
  }

  async #some(select: string, values: Record<string, string> = {}): Promise<readonly (readonly string[])[]> {
    const reader = await this.#connection.runAndReadAll(`${select} LIMIT ${MOST_NAMED}`, values)
    return reader.getRows().map((row) => row.map(String))
  }
}
