import {lstat, readlink, realpath} from 'node:fs/promises'
import {basename, dirname, join, resolve} from 'node:path'

import {usageError} from '../../base/errors.ts'
import {hasCode} from '../../base/system-error.ts'

/** Linux follows no more. */
const MOST_LINKS = 40

/** Follows links to the file that is meant, also where that is not there yet: what stands beside it must stand beside it. */
export async function realFile(path: string): Promise<string> {
  let file = path
  for (let links = 0; links < MOST_LINKS; links += 1) {
    const target = await linkAt(file)
    if (target === undefined) return inRealFolder(file)
    file = resolve(dirname(file), target)
  }
  throw usageError(`${path} is a link that leads nowhere`, {
    code: 'E_DATABASE_BROKEN',
    next: 'Set warehouse.path in lorchestra.yaml to a file.',
  })
}

async function linkAt(path: string): Promise<string | undefined> {
  try {
    return (await lstat(path)).isSymbolicLink() ? await readlink(path) : undefined
  } catch (error) {
    // An error of another kind is told where the file itself is opened.
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return undefined
    throw error
  }
}

async function inRealFolder(file: string): Promise<string> {
  try {
    return join(await realpath(dirname(file)), basename(file))
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR', 'EACCES')) return file
    throw error
  }
}
