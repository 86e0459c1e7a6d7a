import {randomBytes} from 'node:crypto'
import {open, rename, rm} from 'node:fs/promises'

import {setMode} from './file-mode.ts'

/** Writes a file for its owner alone, at once: readers see what was there before, or all of the new text. */
export async function writePrivateFile(path: string, text: string): Promise<void> {
  const draft = `${path}.${randomBytes(4).toString('hex')}.draft`
  try {
    const file = await open(draft, 'wx', 0o600)
    try {
      await file.writeFile(text)
    } finally {
      await file.close()
    }
    await setMode(draft, 0o600)
    await rename(draft, path)
  } catch (error) {
    await rm(draft, {force: true})
    throw error
  }
}
