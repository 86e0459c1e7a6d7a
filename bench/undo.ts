import {mkdtemp, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {parseArgs} from 'node:util'

import {query} from '../test/support/database.ts'
import {environmentOf, PROGRAM} from '../test/support/program.ts'
import {databaseIn} from '../test/support/scripted-run.ts'
import {measureInProcess, type Measured} from './cases.ts'
import {measureCommand} from './process-tree.ts'
import {reportTable} from './report-table.ts'

/** A run that changes every row, in one commit, and its undo, after which every column of every row is as it was. */
const {values: flags} = parseArgs({
  options: {records: {type: 'string', default: '300000'}, results: {type: 'string'}},
})
const records = Number(flags.records)
const MB = 1e6

const folder = await mkdtemp(join(tmpdir(), 'lorchestra-bench-'))
const database = databaseIn(folder)
try {
  const config = join(folder, 'lorchestra.yaml')
  await writeFile(config, `warehouse: {type: duckdb, path: ${database}}\njobs: {}\n`)
  const of = {what: 'lorchestra', folder, records} as const
  await measureInProcess({...of, case: 'first load'})
  const before = await contents()
  const run = {...(await measureInProcess({...of, case: 'reload, all changed'})), file: await fileBytes()}
  if ((await contents()) === before) throw new Error('the run changed nothing')
  const undone = await measureCommand({
    file: process.execPath,
    args: [PROGRAM, 'runs', 'undo', await lastRun(), '--config', config],
    cwd: folder,
    env: environmentOf(folder),
  })
  if ((await contents()) !== before) throw new Error('the rows are not what they were')
  const undo = {...undone, file: await fileBytes()}
  const rowOf = (
    what: string,
    {
      seconds,
      cpuSeconds,
      peakBytes,
      file,
    }: Pick<Measured, 'seconds' | 'cpuSeconds' | 'peakBytes'> & {readonly file: number},
  ) => ({
    '': what,
    rows: records,
    s: seconds.toFixed(1),
    'CPU s': cpuSeconds.toFixed(1),
    'peak MB': Math.round(peakBytes / MB),
    'file MB': Math.round(file / MB),
  })
  await reportTable({
    command: ['npm run bench:undo --', ...process.argv.slice(2)].join(' '),
    name: 'undo',
    results: [rowOf('the run', run), rowOf('its undo', undo)],
    folder: flags.results,
    notes:
      'Records of about 2 KB, all of them changed, in one commit. Memory is that of the whole process; afterwards every column of every row is as it was.',
  })
} finally {
  await rm(folder, {recursive: true})
}

/** All columns of all rows, whatever their order. */
async function contents(): Promise<string> {
  const [row] = await query(
    database,
    'SELECT count(*) || chr(32) || bit_xor(hash(stored)) AS all_rows FROM raw_objects AS stored',
  )
  return row?.['all_rows'] as string
}

async function lastRun(): Promise<string> {
  const [row] = await query(
    database,
    "SELECT arg_max(correlation_id, created_at) AS id FROM event_log WHERE event_type = 'ingestion.completed'",
  )
  return row?.['id'] as string
}

async function fileBytes(): Promise<number> {
  return (await stat(database)).size
}
