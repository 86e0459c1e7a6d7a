import {once} from 'node:events'
import {createWriteStream} from 'node:fs'
import {mkdir, mkdtemp, rm, stat, utimes, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {finished} from 'node:stream/promises'
import {parseArgs} from 'node:util'

import {query} from '../test/support/database.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'
import {measureCommand, type Measured} from './process-tree.ts'
import {reportTable} from './report-table.ts'

/** Records of files through the whole run into DuckDB, beside DuckDB's own readers, which fill a table of the same columns. */
const {values: flags} = parseArgs({
  options: {records: {type: 'string', default: '1000000'}, results: {type: 'string'}},
})
const command = ['npm run bench:files --', ...process.argv.slice(2)].join(' ')
const records = Number(flags.records)
const MB = 1e6

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
try {
  const csv = join(folder, 'in', 'records.csv')
  const parquet = join(folder, 'in', 'records.parquet')
  await writeCsv(csv)
  await duckdb(`COPY (FROM read_csv('${csv}', all_varchar = true)) TO '${parquet}' (FORMAT parquet)`)
  const results = []
  for (const [title, file, reader] of [
    ['CSV', csv, `read_csv('${csv}', all_varchar = true)`],
    ['Parquet', parquet, `read_parquet('${parquet}')`],
  ] as const) {
    const own = await measureDuckdb(title, reader)
    const dry = await measureRun(title, file, '--dry-run')
    const run = await measureRun(title, file)
    results.push({
      format: title,
      MB: Math.round((await stat(file)).size / MB),
      records,
      'COPY s': round(own.seconds),
      'dry run s': round(dry.seconds),
      'run s': round(run.seconds),
      'of COPY': (own.seconds / run.seconds).toFixed(2),
      'COPY CPU s': round(own.cpuSeconds),
      'dry run CPU s': round(dry.cpuSeconds),
      'run CPU s': round(run.cpuSeconds),
      'dry run MB': Math.round(dry.peakBytes / MB),
      'run MB': Math.round(run.peakBytes / MB),
    })
  }
  await reportTable({
    command,
    name: 'files',
    results,
    folder: flags.results,
    notes:
      'CPU is that of all processes; memory the larger of host and box. COPY is CREATE TABLE from the reader, with a primary key and the record as JSON.',
  })
} finally {
  await rm(folder, {recursive: true})
}

function round(value: number): string {
  return value.toFixed(1)
}

async function writeCsv(path: string): Promise<void> {
  await mkdir(join(path, '..'), {recursive: true})
  const file = createWriteStream(path)
  file.write('id,name,email,amount,created_at,note\n')
  for (let index = 0; index < records; index += 1) {
    const row = `${index},"Person, ${index}",person${index}@example.com,${(index % 100_000) / 100},2026-01-01T00:00:00Z,${'x'.repeat(index % 60)}\n`
    if (!file.write(row)) await once(file, 'drain')
  }
  file.end()
  await finished(file)
  const hourAgo = new Date(Date.now() - 3_600_000)
  await utimes(path, hourAgo, hourAgo)
}

async function duckdb(sql: string, database = ':memory:'): Promise<Measured> {
  const script = `const {DuckDBInstance} = await import('@duckdb/node-api')
    const connection = await (await DuckDBInstance.create(${JSON.stringify(database)})).connect()
    await connection.run(${JSON.stringify(sql)})
    connection.closeSync()`
  return measure(['--input-type=module', '-e', script], import.meta.dirname)
}

async function measureDuckdb(title: string, reader: string): Promise<Measured> {
  const database = join(folder, `${title}.copy.duckdb`)
  const table = `CREATE TABLE loaded (idem_key VARCHAR PRIMARY KEY, payload JSON NOT NULL, first_seen TIMESTAMPTZ, last_seen TIMESTAMPTZ)`
  const insert = `INSERT INTO loaded SELECT 'record:files:' || id, to_json(r), now(), now() FROM ${reader} r`
  const measured = await duckdb(`${table}; ${insert}`, database)
  await mustHold(database, 'loaded')
  return measured
}

async function measureRun(title: string, file: string, ...mode: readonly string[]): Promise<Measured> {
  const home = join(folder, `${title}${mode.join('')}`)
  await mkdir(home, {recursive: true})
  await writeFile(
    join(home, 'lorchestra.yaml'),
    `warehouse: {type: duckdb, path: w.duckdb}\njobs:\n  load: {source: files, path: ${file}, key: id}\n`,
  )
  const measured = await measure([PROGRAM, 'run', 'load', ...mode], home)
  if (mode.length === 0) await mustHold(join(home, 'w.duckdb'), 'raw_objects')
  return measured
}

async function mustHold(database: string, table: string): Promise<void> {
  const [{rows} = {rows: 0}] = await query(database, `SELECT count(*)::INT AS rows FROM ${table}`)
  if (rows !== records) throw new Error(`${table} holds another number of rows than ${records}`)
}

async function measure(args: readonly string[], cwd: string): Promise<Measured> {
  return measureCommand({file: process.execPath, args, cwd, env: environmentOf(cwd), leavesChildren: true})
}
