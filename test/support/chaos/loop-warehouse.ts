import {existsSync} from 'node:fs'
import {join} from 'node:path'

import type {Emulator} from '../bigquery/emulator.ts'
import {bigQueryUnderTest} from '../bigquery/under-test.ts'
import {query} from '../database.ts'
import {rowsByKey, type ModelRow} from './oracle.ts'
import {mendIfTorn} from './torn-metadata.ts'

/** What a sequence of commands works on, looked at past everything of ours. */
export interface LoopWarehouse {
  /** As lorchestra.yaml names it. */
  readonly settings: object
  /** By key; empty where there is no such table. */
  rows(table: string): Promise<ReadonlyMap<string, ModelRow>>
  /** Names the runs in production's log that committed something, oldest first. */
  committed(): Promise<readonly string[]>
  /** Is called before each command that writes, or compares. */
  prepare(): Promise<void>
  /** Mends what only the next writer would; answers whether there was something. */
  mend(): Promise<boolean>
}

export function duckDBInLoop(folder: string): LoopWarehouse {
  const database = join(folder, 'lorchestra.duckdb')
  const has = async (table: string): Promise<boolean> => {
    if (!existsSync(database)) return false
    return (await query(database, 'SELECT table_name AS name FROM duckdb_tables()')).some(({name}) => name === table)
  }
  return {
    settings: {type: 'duckdb', path: 'lorchestra.duckdb'},
    async rows(table) {
      if (!(await has(table))) return new Map()
      return rowsByKey(
        await query(
          database,
          `SELECT idem_key, payload::VARCHAR AS payload, epoch_ms(first_seen)::DOUBLE AS first_seen, epoch_ms(last_seen)::DOUBLE AS last_seen FROM ${table}`,
        ),
      )
    },
    async committed() {
      if (!(await has('event_log'))) return []
      const rows = await query(
        database,
        `SELECT correlation_id AS id FROM event_log WHERE event_type = 'ingestion.completed' GROUP BY ALL ORDER BY min(rowid)`,
      )
      return rows.map(({id}) => String(id))
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
    settings: {type: 'bigquery', project, dataset, api_endpoint: apiEndpoint},
    rows: async (table) =>
      new Map(
        (await under.stored(table)).map(({key, payload, firstSeen, lastSeen}) => [
          key,
          {payload: JSON.stringify(payload), firstSeen, lastSeen},
        ]),
      ),
    async committed() {
      const rows = await under.query(
        `SELECT correlation_id AS id, MIN(created_at) AS at FROM {event_log} WHERE event_type = 'ingestion.completed' GROUP BY id ORDER BY at, id`,
      )
      return rows.map(({id}) => id ?? '')
    },
    // The emulator remembers tables as they were after single statements, and the service itself always does.
    async prepare() {
      await under.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
    mend: () => Promise.resolve(false),
  }
}
