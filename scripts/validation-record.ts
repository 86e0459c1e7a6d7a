import {createHash} from 'node:crypto'
import {existsSync, readFileSync} from 'node:fs'
import {mkdir, readdir, readFile, writeFile} from 'node:fs/promises'

import {query} from '../test/support/database.ts'
import {lorchestra} from './command-line.ts'
import {firstDifference} from './examples/same-output.ts'
import {MESSAGES, withLocalJobs} from './local-jobs.ts'

/**
 * Writes down what the safe modes print and leave untouched. With --check it writes nothing, and fails where the record says
 * something else.
 */
const RECORD = new URL('../artifacts/test/dry-run-test-table-results.md', import.meta.url)
const JOB = 'run gmail_ingest_acct1'
const TABLES = ['raw_objects', 'event_log', 'test_raw_objects', 'test_event_log']
const lines = [
  '# What the safe modes did, on real runs',
  '',
  `Written by \`npm run record\`: each command below was run as a process, against a real Gmail API server on this machine (a mailbox of ${MESSAGES} messages, 20 of them in spam or trash) and a DuckDB file. Row counts and the file's SHA-256 were taken before and after each one.`,
]

await withLocalJobs(async ({env, folder, database}) => {
  const look = async (): Promise<Record<string, string>> => {
    const files = (await readdir(folder)).filter((name) => name.startsWith('lorchestra.duckdb'))
    const seen: Record<string, string> = {'files beside lorchestra.yaml': files.join(', ') || 'none'}
    if (!existsSync(database)) return seen
    seen['sha256 of the file'] = createHash('sha256').update(readFileSync(database)).digest('hex').slice(0, 16)
    const present = await query(database, 'SELECT table_name FROM duckdb_tables()')
    for (const table of TABLES) {
      const exists = present.some((row) => row['table_name'] === table)
      const [row] = exists ? await query(database, `SELECT count(*)::INT AS rows FROM ${table}`) : []
      seen[`rows of ${table}`] = row === undefined ? 'no such table' : JSON.stringify(row['rows'])
    }
    return seen
  }
  const record = async (title: string, line: string): Promise<void> => {
    const before = await look()
    const {code, output} = await lorchestra(line, {folder, env})
    const after = await look()
    const names = [...new Set([...Object.keys(before), ...Object.keys(after)])]
    lines.push('', `## ${title}`, '', '```', `$ lorchestra ${line}`, output.trimEnd(), `exit code ${code}`, '```', '')
    lines.push('| | before | after |', '|---|---|---|')
    for (const name of names) lines.push(`| ${name} | ${before[name] ?? '-'} | ${after[name] ?? '-'} |`)
  }
  await record('A dry run where there is no warehouse yet', `${JOB} --dry-run`)
  await record('A test run before any production run', `${JOB} --test-table`)
  await record('The first production run', JOB)
  await record('A dry run beside production', `${JOB} --dry-run --full --refetch`)
  await record('A test run beside production', `${JOB} --test-table --since -7d --refetch`)
  await record('Both flags together', `${JOB} --dry-run --test-table`)
  await record('Production once more', JOB)
})

const text = `${lines.join('\n')}\n`
if (process.argv.includes('--check')) {
  const difference = firstDifference(await readFile(RECORD, 'utf8'), text)
  if (difference !== undefined)
    throw new Error(
      `commands print something else than the record has; npm run record, and look at what changes:\n- ${difference.recorded}\n+ ${difference.now}`,
    )
  console.log(`${RECORD.pathname}: as recorded`)
} else {
  await mkdir(new URL('.', RECORD), {recursive: true})
  await writeFile(RECORD, text)
  console.log(`wrote ${RECORD.pathname}`)
}
