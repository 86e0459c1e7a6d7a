import {readdir, rm, writeFile} from 'node:fs/promises'
import {basename, dirname, join} from 'node:path'

import {showLife, silenceOf} from '../../base/sign-of-life.ts'

const ENDING = '.lives'
/** A run that was killed leaves its sign; milliseconds. */
const FORGOTTEN_AFTER = 24 * 60 * 60 * 1000

/** A run says by this file beside the database, for processes that cannot see it, that it lives between two commits. */
export const signOf = (path: string, runId: string): string => `${path}.${runId}${ENDING}`

/** Makes the sign of a run and keeps it fresh; the answer removes it. */
export async function showRunLives(path: string, runId: string): Promise<() => Promise<void>> {
  const sign = signOf(path, runId)
  await removeForgotten(path)
  await writeFile(sign, '', {mode: 0o600})
  const endLife = showLife(sign, () => Promise.resolve(true))
  return async () => {
    await endLife()
    await rm(sign, {force: true})
  }
}

async function removeForgotten(path: string): Promise<void> {
  for (const name of await readdir(dirname(path))) {
    if (!name.startsWith(`${basename(path)}.`) || !name.endsWith(ENDING)) continue
    const sign = join(dirname(path), name)
    if (((await silenceOf(sign)) ?? 0) > FORGOTTEN_AFTER) await rm(sign, {force: true})
  }
}
