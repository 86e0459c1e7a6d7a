import {randomUUID} from 'node:crypto'
import {open, realpath, rename, rm, stat} from 'node:fs/promises'
import {dirname} from 'node:path'

import {failure, messageWithCauses} from './errors.ts'
import {syncFolder} from './sync-folder.ts'

/** Replaces what a file holds, at once: readers see the old text or the new one, and so does a machine that lost power. */
export async function replaceFile(path: string, text: string): Promise<void> {
  try {
    // A link stays one.
    const target = await realpath(path)
    const next = `${target}.${randomUUID()}.new`
    const file = await open(next, 'wx', (await stat(target)).mode)
    try {
      try {
        await file.chmod((await stat(target)).mode)
        await file.writeFile(text)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(next, target)
    } catch (error) {
      await rm(next, {force: true})
      throw error
    }
    await syncFolder(dirname(target))
  } catch (error) {
    throw failure(`${path} could not be written, and is as it was: ${messageWithCauses(error)}`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: 'Make room, or make the file and its folder writable, and run the same command again.',
      cause: error,
    })
  }
}
