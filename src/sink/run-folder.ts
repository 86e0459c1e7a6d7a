import {mkdir, readdir, readFile, rm, stat, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {isAlive, ownProcess, processIdentity} from '../process-identity.ts'
import {hasCode} from '../system-error.ts'

const OWNER = 'owner.json'
// For folders that do not say whose they are, or whose owner is on another machine.
const ABANDONED_AFTER = 24 * 60 * 60 * 1000

/** A folder of temporary files for one run, which only this user can read. What dead runs left beside it is removed. */
export async function createRunFolder(folder: string): Promise<void> {
  const siblings = dirname(folder)
  await mkdir(siblings, {recursive: true, mode: 0o700})
  for (const sibling of await readdir(siblings, {withFileTypes: true})) {
    if (sibling.isDirectory()) await removeIfDead(join(siblings, sibling.name))
  }
  await mkdir(folder, {mode: 0o700})
  await writeFile(join(folder, OWNER), JSON.stringify(await ownProcess()), {mode: 0o600})
}

async function removeIfDead(folder: string): Promise<void> {
  if (!(await isAbandoned(folder))) return
  await rm(folder, {recursive: true, force: true})
}

async function isAbandoned(folder: string): Promise<boolean> {
  try {
    const owner = processIdentity.safeParse(await ownerOf(folder))
    const alive = owner.success ? await isAlive(owner.data) : undefined
    return alive === undefined ? Date.now() - (await stat(folder)).mtimeMs > ABANDONED_AFTER : !alive
  } catch (error) {
    // Its run removed it in the meantime.
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

async function ownerOf(folder: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(join(folder, OWNER), 'utf8'))
  } catch (error) {
    // A run that was killed while it made its folder.
    if (error instanceof SyntaxError) return undefined
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}
