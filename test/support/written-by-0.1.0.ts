import {createHash} from 'node:crypto'
import {cp, mkdir, readFile, realpath} from 'node:fs/promises'
import {join} from 'node:path'

import {dataFolder, lorchestra, temporaryFolder, type CliResult} from './cli.ts'
import {change} from './database.ts'
import {linkPlugin} from './external-source.ts'

const FILES = join(import.meta.dirname, 'written-by-0.1.0')
const TABLES = ['event_log', 'raw_objects', 'test_event_log', 'test_raw_objects']

export interface OldProject {
  readonly folder: string
  readonly database: string
  readonly secrets: string
  run(...args: readonly string[]): Promise<CliResult>
}

/** Gives a folder with all that 0.1.0 left behind, as its user finds it after the update; see the README beside the files. */
export async function projectWrittenBy010(): Promise<OldProject> {
  const folder = await realpath(await temporaryFolder())
  const home = await temporaryFolder()
  const database = join(folder, 'lorchestra.duckdb')
  await cp(FILES, folder, {recursive: true})
  await change(database, await readFile(join(FILES, 'tables.sql'), 'utf8'), ...(await inserts()))
  const fingerprint = createHash('sha256').update(join(folder, 'lorchestra.yaml')).digest('hex').slice(0, 16)
  const secrets = join(dataFolder(home), 'secrets', fingerprint, 'accounts', 'ada.json')
  await mkdir(join(secrets, '..'), {recursive: true, mode: 0o700})
  await cp(join(FILES, 'secrets.json'), secrets)
  await linkPlugin(join(folder, 'plugin'), home)
  const env = {NOTEBOOK_TOKEN: 'a-token'}
  return {folder, database, secrets, run: async (...args) => lorchestra(args, {cwd: folder, home, env})}
}

async function inserts(): Promise<readonly string[]> {
  const statements: string[] = []
  for (const table of TABLES) {
    for (const line of (await readFile(join(FILES, `${table}.jsonl`), 'utf8')).trim().split('\n')) {
      const row = JSON.parse(line) as Readonly<Record<string, string | null>>
      const values = Object.values(row).map((value) => (value === null ? 'NULL' : `'${value.replaceAll("'", "''")}'`))
      statements.push(`INSERT INTO ${table} (${Object.keys(row).join(', ')}) VALUES (${values.join(', ')})`)
    }
  }
  return statements
}
