import {addEntry, type NewEntry} from './add-entry.ts'
import {loadConfig, type Config, type ConfigRequest} from './config.ts'
import {withFileLock} from '../base/file-lock.ts'
import {replaceFile} from '../base/replace-file.ts'
import {readTextFile} from './text-file.ts'

const LOCK_TIMEOUT = 10_000

export const lockOfFile = (path: string): string => `${path}.lock`

/**
 * Adds an entry to the lorchestra.yaml that `config` was read from, while no other command changes it. What could not be read
 * again is not written.
 */
export async function addToFile({path, shownPath}: Config, request: ConfigRequest, entry: NewEntry): Promise<void> {
  const lock = {path: lockOfFile(path), holds: shownPath, lockTimeout: LOCK_TIMEOUT}
  await withFileLock(lock, async () => {
    const text = addEntry(await readTextFile(path, shownPath), entry)
    await loadConfig({...request, explicitPath: path, text})
    await replaceFile(path, text)
  })
}
