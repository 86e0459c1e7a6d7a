import {closeSync, mkdirSync, openSync, rmSync, writeSync} from 'node:fs'
import {join} from 'node:path'

import {DuckDBInstance} from '@duckdb/node-api'

import {idOf, type SyntheticRecords} from './records.ts'

const CHUNK = 1024 * 1024
const FILE = 64 * 1024 * 1024
const COLUMNS = `idem_key: 'VARCHAR', source_system: 'VARCHAR', object_type: 'VARCHAR', external_id: 'VARCHAR', payload: 'JSON'`

/** What no run can be expected to beat: a plain loop that writes NDJSON, and one MERGE with DuckDB's own settings. */
export async function loadPlainly(folder: string, records: SyntheticRecords, revision: number): Promise<void> {
  const spool = join(folder, 'ndjson')
  mkdirSync(spool, {recursive: true})
  const files = writeLines(spool, records, revision)
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
  connection.closeSync()
  instance.closeSync()
  rmSync(spool, {recursive: true})
}

function writeLines(folder: string, records: SyntheticRecords, revision: number): readonly string[] {
  const files: string[] = []
  let file: number | undefined
  let written = 0
  let chunk = ''
  const flush = (): void => {
    if (chunk === '') return
    if (file === undefined || written >= FILE) {
      if (file !== undefined) closeSync(file)
      const path = join(folder, `records-${files.length}.ndjson`)
      files.push(path)
      file = openSync(path, 'w')
      written = 0
    }
    written += writeSync(file, chunk)
    chunk = ''
  }
  for (let index = 0; index < records.count; index += 1) {
    const payload = records.at(index, revision)
    const id = idOf(payload)
    const line = {
      idem_key: `message:synthetic:${id}`,
      source_system: 'synthetic',
      object_type: 'message',
      external_id: id,
      payload,
    }
    chunk += `${JSON.stringify(line)}\n`
    if (chunk.length >= CHUNK) flush()
  }
  flush()
  if (file !== undefined) closeSync(file)
  return files
}

/** The least that a program can do with the file. */
export async function openPlainly(path: string): Promise<void> {
  const instance = await DuckDBInstance.create(path)
  const connection = await instance.connect()
  connection.closeSync()
  instance.closeSync()
}
