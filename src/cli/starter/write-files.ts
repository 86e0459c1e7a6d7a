import {lstat, mkdir, rm, writeFile} from 'node:fs/promises'
import {dirname, join, resolve} from 'node:path'

import {failure, messageWithCauses, usageError} from '../../base/errors.ts'
import {hasCode} from '../../base/system-error.ts'

/** Writes texts by file name, which may lead into folders: all of them or none. Resolves with their paths. */
export async function writeStarterFiles(
  folder: string,
  starters: Readonly<Record<string, string>>,
): Promise<readonly string[]> {
  const files = Object.entries(starters).map(([name, text]) => ({path: join(resolve(folder), name), text}))
  await assertNoFileExists(folder, Object.keys(starters))
  const written: string[] = []
  try {
    for (const {path, text} of files) {
      const made = await mkdir(dirname(path), {recursive: true})
      // Last in, first out, where it has to be taken back.
      if (made !== undefined) written.unshift(made)
      await writeFile(path, text, {flag: 'wx'})
      written.unshift(path)
    }
  } catch (error) {
    for (const path of written) await rm(path, {recursive: true, force: true})
    throw failure(`nothing was written to ${resolve(folder)}: ${messageWithCauses(error)}`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: 'Name a folder that can be written to: --directory FOLDER.',
      cause: error,
    })
  }
  return files.map(({path}) => path)
}

export async function assertNoFileExists(folder: string, names: readonly string[]): Promise<void> {
  const existing: string[] = []
  for (const path of names.map((name) => join(resolve(folder), name))) if (await isThere(path)) existing.push(path)
  if (existing.length > 0) throw alreadyThere(existing)
}

async function isThere(path: string): Promise<boolean> {
  try {
    // Not stat: a link to nowhere is somebody's file as well.
    await lstat(path)
    return true
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return false
    throw error
  }
}

const alreadyThere = (paths: readonly string[]): Error =>
  usageError(`${paths.join(' and ')} ${paths.length === 1 ? 'is' : 'are'} there already; nothing was written`, {
    code: 'E_FILE_EXISTS',
    next: 'Name another folder with --directory, or move the file away first.',
  })
