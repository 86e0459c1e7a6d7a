import {mkdir, readdir, rename, rm, stat} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'

import {failure} from '../../base/errors.ts'
import {withFileLock} from '../../base/file-lock.ts'
import {setMode} from '../../base/file-mode.ts'
import {isGone, ownProcessName, PROCESS_NAME} from '../../base/process-name.ts'
import {isAbandoned} from '../../base/sign-of-life.ts'
import {syncFolder} from '../../base/sync-folder.ts'
import {hasCode} from '../../base/system-error.ts'
import {databaseExists} from './connection.ts'

/** Milliseconds in which another process renames a file. */
const LOCK_TIMEOUT = 10_000

/** Makes it whole or not at all: DuckDB, killed while it makes a file, leaves one that nothing can open any more. */
export async function createMissingDatabase(path: string): Promise<void> {
  await mkdir(dirname(path), {recursive: true})
  await removeDraftsOfTheDead(path)
  if (await databaseExists(path)) return
  const {DuckDBInstance} = await import('@duckdb/node-api')
  const draft = `${path}.${await ownProcessName()}.new`
  try {
    const instance = await DuckDBInstance.create(draft)
    instance.closeSync()
    // It will hold payloads. Whoever wants others to read it says so with a mode of the file, which stays.
    await setMode(draft, 0o600)
    await putInPlace(draft, path)
  } finally {
    await rm(draft, {force: true})
  }
}

/** Another process may be about to do the same, and what it has committed by then must not be replaced. */
async function putInPlace(draft: string, path: string): Promise<void> {
  await withFileLock({path: `${path}.making`, holds: path, lockTimeout: LOCK_TIMEOUT}, async () => {
    if (await databaseExists(path)) return
    await assertNoCommitsOfAnother(path)
    await rename(draft, path)
    await syncFolder(dirname(path))
  })
}

/** What was committed to a file that was moved away is not for a new one, and not for us to throw away. */
async function assertNoCommitsOfAnother(path: string): Promise<void> {
  const wal = `${path}.wal`
  try {
    if ((await stat(wal)).size === 0) {
      await rm(wal)
      return
    }
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  throw failure(`${path} is not there, but ${wal} is, which holds commits to it`, {
    code: 'E_DATABASE_BROKEN',
    next: `Nothing was written. Put ${path} back; or move ${wal} to where the file is now, or away if it may be lost, and run again.`,
  })
}

const NAME_OF_DRAFT = new RegExp(`^\\.${PROCESS_NAME}\\.new(?:\\.wal)?$`)

async function removeDraftsOfTheDead(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`)) continue
    const drafter = NAME_OF_DRAFT.exec(name.slice(basename(path).length))?.[1]
    const draft = join(dirname(path), name)
    if (drafter !== undefined && ((await isGone(drafter)) ?? (await isAbandoned(draft)))) await rm(draft, {force: true})
  }
}
