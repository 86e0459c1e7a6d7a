import {chmod, link, mkdir, readdir, rm} from 'node:fs/promises'
import {hostname} from 'node:os'
import {basename, dirname, join} from 'node:path'

import {isAlive} from '../../base/process-identity.ts'
import {hasCode} from '../../base/system-error.ts'
import {databaseExists} from './connection.ts'

/** Makes it whole or not at all: DuckDB, killed while it makes a file, leaves one that nothing can open any more. */
export async function createMissingDatabase(path: string): Promise<void> {
  await mkdir(dirname(path), {recursive: true})
  await removeDraftsOfTheDead(path)
  if (await databaseExists(path)) return
  const {DuckDBInstance} = await import('@duckdb/node-api')
  const draft = `${path}.${process.pid}.new`
  try {
    const instance = await DuckDBInstance.create(draft)
    instance.closeSync()
    // It will hold payloads. Whoever wants others to read it says so with a mode of the file, which stays.
    await chmod(draft, 0o600)
    // As DuckDB does: what was committed to a file that is gone is not for a new one.
    if (!(await databaseExists(path))) await rm(`${path}.wal`, {force: true})
    await link(draft, path)
  } catch (error) {
    // Another process was faster.
    if (!hasCode(error, 'EEXIST')) throw error
  } finally {
    await rm(draft, {force: true})
  }
}

async function removeDraftsOfTheDead(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const pid = /^\.(\d+)\.new(\.wal)?$/.exec(name.slice(basename(path).length))?.[1]
    if (pid === undefined || (await isAlive({host: hostname(), pid: Number(pid), token: ''})) !== false) continue
    await rm(join(dirname(path), name), {force: true})
  }
}
