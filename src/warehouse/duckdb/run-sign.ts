import {readdir, readFile, rm, writeFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'

import {isAlive, ownProcess, processIdentity} from '../../base/process-identity.ts'
import {showLife, silenceOf} from '../../base/sign-of-life.ts'
import {hasCode} from '../../base/system-error.ts'

const ENDING = '.lives'
/** A run that was killed leaves its sign; milliseconds. */
const FORGOTTEN_AFTER = 24 * 60 * 60 * 1000

/** A run says by this file beside the database, for processes that cannot see it, that it lives between two commits. */
export const signOf = (path: string, runId: string): string => `${path}.${runId}${ENDING}`

/**
 * Keeps the sign of a run fresh; the answer removes it. In the first minute its events are fresh enough, so most runs make none.
 */
export async function showRunLives(path: string, runId: string): Promise<() => Promise<void>> {
  const sign = signOf(path, runId)
  await removeForgotten(path)
  const owner = JSON.stringify(await ownProcess())
  const endLife = showLife(async () => writeFile(sign, owner, {mode: 0o600}))
  return async () => {
    await endLife()
    await rm(sign, {force: true})
  }
}

async function removeForgotten(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith(ENDING)) continue
    const sign = join(dirname(path), name)
    if ((await ownerIsDead(sign)) || ((await silenceOf(sign)) ?? 0) > FORGOTTEN_AFTER) await rm(sign, {force: true})
  }
}

/** Answers false where it is not known: on another machine, or while the sign is being written. */
async function ownerIsDead(sign: string): Promise<boolean> {
  let text: string
  try {
    text = await readFile(sign, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
  if (!text.endsWith('}')) return false
  const owner = processIdentity.safeParse(JSON.parse(text))
  return owner.success && (await isAlive(owner.data)) === false
}
