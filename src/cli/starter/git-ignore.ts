import {readFile, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {failure, messageWithCauses} from '../../base/errors.ts'
import {hasCode} from '../../base/system-error.ts'

const NAME = '.gitignore'

/** Adds to the folder's `.gitignore` the lines that it lacks. Resolves with its path, and with nothing where it had them all. */
export async function addToGitIgnore(folder: string, patterns: readonly string[]): Promise<string | undefined> {
  const path = join(resolve(folder), NAME)
  try {
    const text = await readIfThere(path)
    const lines = new Set(text.split('\n').map((line) => line.trim()))
    const missing = patterns.filter((pattern) => !lines.has(pattern))
    if (missing.length === 0) return undefined
    const end = text === '' || text.endsWith('\n') ? '' : '\n'
    await writeFile(path, `${end}${missing.map((pattern) => `${pattern}\n`).join('')}`, {flag: 'a'})
    return path
  } catch (error) {
    throw failure(`${path} could not be written: ${messageWithCauses(error)}`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: `All else is there. Keep these out of version control: ${patterns.join(', ')}.`,
      cause: error,
    })
  }
}

async function readIfThere(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return ''
    throw error
  }
}
