import {closeSync, mkdirSync, openSync, rmSync, writeSync} from 'node:fs'
import {join} from 'node:path'

import {DuckDBInstance} from '@duckdb/node-api'

import {idOf, type SyntheticRecords} from './records.ts'

const CHUNK = 1024 * 1024
const FILE = 64 * 1024 * 1024
const COLUMNS = `idem_key: 'VARCHAR', source_system: 'VARCHAR', object_type: 'VARCHAR', external_id: 'VARCHAR', payload: 'JSON'`

/** What no run can be expected to beat: a plain loop that writes NDJSON, and one MERGE with DuckDB's own settings. */
export async function loadPlainly(folder: string, records: SyntheticRecords, revision: number): Promise<void> {
  const files = new NdjsonFiles(folder)
  for (let index = 0; index < records.count; index += 1) {
    const payload = records.at(index, revision)
    const id = idOf(payload)
    files.add({
      idem_key: `message:synthetic:${id}`,
      source_system: 'synthetic',
      object_type: 'message',
      external_id: id,
      payload,
    })
  }
  await mergeFiles(folder, files.end())
}

/** Returns how many rows the table holds then; the files are gone. */
export async function mergeFiles(folder: string, files: readonly string[]): Promise<number> {
  const instance = await DuckDBInstance.create(join(folder, 'floor.duckdb'))
  const connection = await instance.connect()
  await connection.run(
    `CREATE TABLE IF NOT EXISTS raw_objects (
       idem_key VARCHAR NOT NULL PRIMARY KEY, source_system VARCHAR NOT NULL, object_type VARCHAR NOT NULL,
       external_id VARCHAR, payload JSON NOT NULL, first_seen TIMESTAMPTZ NOT NULL, last_seen TIMESTAMPTZ NOT NULL)`,
  )
  await connection.run(
    `MERGE INTO raw_objects AS stored
     USING (FROM read_json([${files.map((file) => `'${file}'`).join(', ')}], format = 'newline_delimited', columns = {${COLUMNS}})) AS staged
     ON stored.idem_key = staged.idem_key
     WHEN MATCHED AND stored.payload::VARCHAR IS DISTINCT FROM staged.payload::VARCHAR
       THEN UPDATE SET payload = staged.payload, last_seen = now()
     WHEN MATCHED THEN UPDATE SET last_seen = now()
     WHEN NOT MATCHED THEN INSERT VALUES (staged.idem_key, staged.source_system, staged.object_type, staged.external_id, staged.payload, now(), now())`,
  )
  const counted = await connection.runAndReadAll('SELECT count(*)::INT FROM raw_objects')
  connection.closeSync()
  instance.closeSync()
  rmSync(join(folder, 'ndjson'), {recursive: true})
  return Number(counted.getRows()[0]?.[0])
}

/** Files of about 64 MB in the folder `ndjson`. */
export class NdjsonFiles {
  readonly #folder: string
  readonly #files: string[] = []
  #file: number | undefined
  #written = 0
  #chunk = ''

  constructor(folder: string) {
    this.#folder = join(folder, 'ndjson')
    mkdirSync(this.#folder, {recursive: true})
  }

  add(line: object): void {
    this.#chunk += `${JSON.stringify(line)}\n`
    if (this.#chunk.length >= CHUNK) this.#flush()
  }

  end(): readonly string[] {
    this.#flush()
    if (this.#file !== undefined) closeSync(this.#file)
    return this.#files
  }

  #flush(): void {
    if (this.#chunk === '') return
    if (this.#file === undefined || this.#written >= FILE) {
      if (this.#file !== undefined) closeSync(this.#file)
      const path = join(this.#folder, `records-${this.#files.length}.ndjson`)
      this.#files.push(path)
      this.#file = openSync(path, 'w')
      this.#written = 0
    }
    this.#written += writeSync(this.#file, this.#chunk)
    this.#chunk = ''
  }
}

/** The least that a program can do with the file. */
export async function openPlainly(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  connection.closeSync()
  instance.closeSync()
}
