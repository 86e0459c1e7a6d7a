import {fork} from 'node:child_process'
import {once} from 'node:events'
import {mkdir, mkdtemp, rm, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {query} from '../test/support/database.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'
import {arePeersThere, measureDlt, measureSling} from './peers.ts'
import {measureCommand, type Measured} from './process-tree.ts'
import {reportTable} from './report-table.ts'

/** Records of a paged API through the whole run into DuckDB, beside other tools that load the same pages. */
const {values: flags} = parseArgs({
  options: {records: {type: 'string', default: '1000000'}, results: {type: 'string'}},
})
const command = ['npm run bench:rest --', ...process.argv.slice(2)].join(' ')
const records = Number(flags.records)
const MB = 1e6

const yaml = (url: string): string => `warehouse: {type: duckdb, path: w.duckdb}
jobs:
  load:
    source: rest
    base_url: ${url}
    object: record
    path: /records
    records: data
    key: id
    total: total
    pages: {by: cursor, path: next, param: cursor, size: 1000, size_param: limit}
`

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
const server = fork(join(import.meta.dirname, 'rest-server.ts'), [String(records)])
try {
  const [url] = (await once(server, 'message')) as [string]
  const results: object[] = []
  let own: number | undefined
  const home = async (name: string): Promise<string> => {
    const path = join(folder, name)
    await mkdir(path)
    return path
  }
  const add = (tool: string, {seconds, cpuSeconds, peakBytes}: Measured, rows: number): void => {
    own ??= cpuSeconds
    results.push({
      tool,
      rows,
      s: Number(seconds.toFixed(1)),
      'CPU s': Number(cpuSeconds.toFixed(1)),
      'CPU beside lorchestra': (cpuSeconds / own).toFixed(1),
      'largest process MB': Math.round(peakBytes / MB),
    })
    console.error(JSON.stringify(results.at(-1)))
  }
  for (const [name, title, ...mode] of [
    ['run', 'lorchestra run, a row a key'],
    ['dry', 'lorchestra --dry-run', '--dry-run'],
  ] as const) {
    const at = await home(name)
    await writeFile(join(at, 'lorchestra.yaml'), yaml(url))
    const env = environmentOf(at)
    const args = [PROGRAM, 'run', 'load', ...mode]
    const measured = await measureCommand({file: process.execPath, args, cwd: at, env, leavesChildren: true})
    add(title, measured, mode.length > 0 ? 0 : await rowsIn(join(at, 'w.duckdb'), 'raw_objects'))
  }
  if (await arePeersThere()) {
    for (const [way, title] of [
      ['append-fast', 'dlt rest_api, append, by its advice on speed'],
      ['merge', 'dlt rest_api, merge'],
    ] as const) {
      const at = await home(way)
      const database = join(at, 'w.duckdb')
      add(title, await measureDlt('rest', url, database, way, at), await rowsIn(database, 'loaded.records'))
    }
    const at = await home('sling')
    const database = join(at, 'w.duckdb')
    add('Sling, full refresh', await measureSling('rest', url, database, at), await rowsIn(database, 'records'))
  }
  await reportTable({
    command,
    name: 'rest',
    results,
    folder: flags.results,
    notes:
      'Pages of 1,000 records of 190 bytes from one server process, which is not counted. CPU is that of all processes of the tool.',
  })
} finally {
  server.disconnect()
  await rm(folder, {recursive: true})
}

async function rowsIn(database: string, table: string): Promise<number> {
  const [{rows} = {rows: 0}] = await query(database, `SELECT count(*)::INT AS rows FROM ${table}`)
  if (rows !== records) throw new Error(`${table} holds another number of rows than ${records}`)
  return records
}
