import {existsSync} from 'node:fs'
import {join} from 'node:path'

import type {Emulator} from '../bigquery/emulator.ts'
import {bigQueryUnderTest} from '../bigquery/under-test.ts'
import {change, query} from '../database.ts'
import {rowsByKey, type ModelRow} from './oracle.ts'
import {mendIfTorn} from './torn-metadata.ts'

/** What a sequence of commands works on, looked at past everything of ours. */
export interface LoopWarehouse {
  /** As lorchestra.yaml names it. */
  readonly settings: object
  /** The table in which what is changed is kept to undo it; there is none: the warehouse looks into its own past. */
  readonly formerTable?: string
  /** A run makes production's tables. */
  readonly makesProduction: boolean
  /** Takes any statement; tables stand in braces. */
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
  tables(): Promise<readonly string[]>
  /** By key; empty where there is no such table. */
  rows(table: string): Promise<ReadonlyMap<string, ModelRow>>
  /** All events of runs in the order in which they were written; none where there is no such table. */
  events(table: string): Promise<readonly LoopEvent[]>
  /** Is called before each command that writes, or compares. */
  prepare(): Promise<void>
  /** Mends what only the next writer would; answers whether there was something. */
  mend(): Promise<boolean>
}

export interface LoopEvent {
  readonly runId: string
  readonly type: string
  /** Milliseconds since 1970. */
  readonly at: number
  readonly payload: Readonly<Record<string, unknown>>
}

export function duckDBInLoop(folder: string): LoopWarehouse {
  const database = join(folder, 'lorchestra.duckdb')
  const has = async (table: string): Promise<boolean> => {
    if (!existsSync(database)) return false
    return (await query(database, 'SELECT table_name AS name FROM duckdb_tables()')).some(({name}) => name === table)
  }
  return {
    settings: {type: 'duckdb', path: 'lorchestra.duckdb'},
    formerTable: 'lorchestra_undo',
    makesProduction: true,
    async query(sql) {
      const named = sql.replaceAll(/\{(\w+)\}/g, '"$1"')
      if (named.startsWith('SELECT')) return query(database, named)
      await change(database, named)
      return []
    },
    tables: async () =>
      existsSync(database)
        ? (await query(database, 'SELECT table_name AS name FROM duckdb_tables()')).map(({name}) => String(name))
        : [],
    async rows(table) {
      if (!(await has(table))) return new Map()
      return rowsByKey(
        await query(
          database,
          `SELECT idem_key, payload::VARCHAR AS payload, epoch_ms(first_seen)::DOUBLE AS first_seen, epoch_ms(last_seen)::DOUBLE AS last_seen FROM ${table}`,
        ),
      )
    },
    async events(table) {
      if (!(await has(table))) return []
      const rows = await query(
        database,
        `SELECT correlation_id AS id, event_type, epoch_ms(created_at)::DOUBLE AS at, payload FROM ${table} ORDER BY rowid`,
      )
      return rows.map(eventIn)
    },
    prepare: () => Promise.resolve(),
    mend: async () => mendIfTorn(database),
  }
}

/** A dataset of its own in an emulator. */
export async function bigQueryInLoop(emulator: Emulator, folder: string): Promise<LoopWarehouse> {
  const under = await bigQueryUnderTest({emulator, folder})
  await under.createProduction()
  const {project, dataset, apiEndpoint} = under.connection
  return {
    makesProduction: false,
    query: async (sql) => under.query(sql),
    tables: async () => under.tables(),
    settings: {type: 'bigquery', project, dataset, api_endpoint: apiEndpoint, touch_after: '0s'},
    rows: async (table) =>
      new Map(
        (await under.stored(table)).map(({key, payload, firstSeen, lastSeen}) => [
          key,
          {payload: JSON.stringify(payload), firstSeen, lastSeen},
        ]),
      ),
    async events(table) {
      if (!(await under.tables()).includes(table)) return []
      const rows = await under.query(
        `SELECT correlation_id AS id, event_type, UNIX_MILLIS(created_at) AS at, TO_JSON_STRING(payload) AS payload FROM {${table}} ORDER BY created_at`,
      )
      return rows.map(eventIn)
    },
    // The emulator remembers tables as they were after single statements, and the service itself always does.
    async prepare() {
      await under.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
    mend: () => Promise.resolve(false),
  }
}

const eventIn = ({id, event_type: type, at, payload}: Readonly<Record<string, unknown>>): LoopEvent => ({
  runId: String(id),
  type: String(type),
  at: Number(at),
  payload: (JSON.parse(String(payload ?? null)) ?? {}) as Readonly<Record<string, unknown>>,
})
