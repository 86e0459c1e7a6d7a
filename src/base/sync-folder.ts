import {open, type FileHandle} from 'node:fs/promises'

import {isUnsupported} from './system-error.ts'

/** Puts the names in a folder on the disk, where the system can: a file that was renamed survives a loss of power. */
export async function syncFolder(path: string): Promise<void> {
  // Windows cannot open folders, and needs no sync of them.
  if (process.platform === 'win32') return
  let folder: FileHandle | undefined
  try {
    folder = await open(path, 'r')
    await folder.sync()
  } catch (error) {
    // Network file systems and those of cards and sticks have no such thing; the files themselves are synced.
    if (!isUnsupported(error)) throw error
  } finally {
    await folder?.close()
  }
}
