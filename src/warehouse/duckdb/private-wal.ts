import {open, rm, stat, type FileHandle} from 'node:fs/promises'

import {setMode} from '../../base/file-mode.ts'
import {hasCode} from '../../base/system-error.ts'

const walOf = (path: string): string => `${path}.wal`

/**
 * Makes the .wal, empty and with the mode of the database, before DuckDB makes it with another. Only for a file that this
 * process has open to write and has written nothing to yet. One that is there is DuckDB's already.
 */
export async function makeWal(path: string): Promise<void> {
  let wal: FileHandle
  try {
    wal = await open(walOf(path), 'wx', 0o600)
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return
    throw error
  }
  await wal.close()
  await setMode(walOf(path), (await stat(path)).mode & 0o666)
}

/** Removes it where nothing was written; DuckDB removes its own. Call it while the file is open to nobody else. */
export async function removeEmptyWal(path: string): Promise<void> {
  try {
    if ((await stat(walOf(path))).size === 0) await rm(walOf(path))
  } catch (error) {
    if (!hasCode(error, 'ENOENT')) throw error
  }
}
