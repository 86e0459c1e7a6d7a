import {open, rename, rm, type FileHandle} from 'node:fs/promises'
import {dirname} from 'node:path'

import {failure, messageWithCauses} from '../../base/errors.ts'
import {syncFolder} from '../../base/sync-folder.ts'

/** Room that is taken on the disk beyond what is stored already: more than a token cache with one more token needs. */
const SPARE_BYTES = 64 * 1024

export interface SecretDraft {
  /** Readers see the old file or the new one, and so does a machine that lost power. */
  replace(secrets: ReadonlyMap<string, string>): Promise<void>
  close(): Promise<void>
}

/** Takes the place on the disk for the next state of the secrets. Call it with the lock held. */
export async function openDraft(path: string, secrets: ReadonlyMap<string, string>): Promise<SecretDraft> {
  const next = `${path}.new`
  const file = await assertStored(path, async () => {
    // One of a process that was killed; the lock makes sure that nobody writes it now.
    await rm(next, {force: true})
    const opened = await open(next, 'wx', 0o600)
    try {
      await opened.writeFile(textOf(secrets).padEnd(textOf(secrets).length + SPARE_BYTES))
      await opened.sync()
      return opened
    } catch (error) {
      await opened.close()
      await rm(next, {force: true})
      throw error
    }
  })
  let replaced = false
  return {
    async replace(changed) {
      await assertStored(path, async () => {
        await rewrite(file, textOf(changed))
        await rename(next, path)
        replaced = true
        await syncFolder(dirname(path))
      })
    },
    async close() {
      await file.close()
      if (!replaced) await rm(next, {force: true})
    },
  }
}

const textOf = (secrets: ReadonlyMap<string, string>): string =>
  `${JSON.stringify(Object.fromEntries(secrets), null, 2)}\n`

/** Writes over what is there, whose room on the disk is taken. */
async function rewrite(file: FileHandle, text: string): Promise<void> {
  const bytes = Buffer.from(text)
  for (let at = 0; at < bytes.length;) at += (await file.write(bytes, at, bytes.length - at, at)).bytesWritten
  await file.truncate(bytes.length)
  await file.sync()
}

/** Says what to do where the secrets cannot be stored. */
export async function assertStored<Result>(path: string, store: () => Promise<Result>): Promise<Result> {
  try {
    return await store()
  } catch (error) {
    throw failure(`the secrets in ${path} could not be stored: ${messageWithCauses(error)}`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: 'Make room or make the folder writable (XDG_DATA_HOME names another), then sign in to the source again if it refuses the old credentials.',
      cause: error,
    })
  }
}
