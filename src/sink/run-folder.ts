import {mkdir, readdir, readFile, rename, rm, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {isAlive, ownProcess, processIdentity} from '../base/process-identity.ts'
import {isGone, ownProcessName, PROCESS_NAME} from '../base/process-name.ts'
import {isAbandoned} from '../base/sign-of-life.ts'
import {hasCode} from '../base/system-error.ts'
import {writingTemporaryFiles} from './temporary-files.ts'

const OWNER = 'owner.json'

/** Makes a folder for the temporary files of one run, which only this user can read, and removes what dead runs left beside it. */
export async function createRunFolder(folder: string): Promise<void> {
  await writingTemporaryFiles(dirname(folder), async () => createWithOwner(folder))
}

/** Removes the folder. Its name says whose it is before its owner file goes, so that the next run can finish what a killed one began. */
export async function removeRunFolder(folder: string): Promise<void> {
  const draft = await draftOf(folder)
  try {
    await rename(folder, draft)
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return
    throw error
  }
  await rm(draft, {recursive: true, force: true})
}

const draftOf = async (folder: string): Promise<string> => `${folder}.${await ownProcessName()}.draft`
const NAME_OF_DRAFT = new RegExp(`\\.${PROCESS_NAME}\\.draft$`)

async function createWithOwner(folder: string): Promise<void> {
  const siblings = dirname(folder)
  await mkdir(siblings, {recursive: true, mode: 0o700})
  for (const sibling of await readdir(siblings, {withFileTypes: true})) {
    if (sibling.isDirectory()) await removeIfDead(join(siblings, sibling.name))
  }
  // Appears with its owner or not at all; until then its name says whose it is.
  const draft = await draftOf(folder)
  await mkdir(draft, {mode: 0o700})
  await writeFile(join(draft, OWNER), JSON.stringify(await ownProcess()), {mode: 0o600})
  await rename(draft, folder)
}

async function removeIfDead(folder: string): Promise<void> {
  if (await isOfTheDead(folder)) await removeRunFolder(folder)
}

async function isOfTheDead(folder: string): Promise<boolean> {
  const drafter = NAME_OF_DRAFT.exec(folder)?.[1]
  if (drafter !== undefined) return (await isGone(drafter)) ?? (await isAbandoned(folder))
  const owner = processIdentity.safeParse(await ownerOf(folder))
  const alive = owner.success ? await isAlive(owner.data) : undefined
  return alive === undefined ? isAbandoned(folder) : !alive
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
