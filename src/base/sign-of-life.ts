import {stat} from 'node:fs/promises'

import {hasCode} from './system-error.ts'

/** Milliseconds. Who holds something touches a file so often, and is dead where that was not done for so long. */
export const HEARTBEAT = 60_000
export const DEAD_AFTER = 5 * 60_000
/** Milliseconds after which what somebody left is nobody's any more, where nobody here can see whose it is. */
const ABANDONED_AFTER = 24 * 60 * 60_000

/** Has a file touched by `beat`, every so often, until the answer is called. Keeps no program from ending. */
export function showLife(beat: () => Promise<void>): () => Promise<void> {
  let beating = Promise.resolve()
  const timer = setInterval(() => {
    // One that fails is a beat that is missing; after five of them others may judge.
    beating = beating.then(beat).catch(() => undefined)
  }, HEARTBEAT).unref()
  return async () => {
    clearInterval(timer)
    await beating
  }
}

/** Tells for how many milliseconds the file was not touched; `undefined` where there is none. */
export async function silenceOf(path: string): Promise<number | undefined> {
  try {
    return Date.now() - (await stat(path)).mtimeMs
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ENOTDIR')) return undefined
    throw error
  }
}

/** Tells of a file or folder whose owner cannot be asked whether it was touched within the last day; false where there is none. */
export const isAbandoned = async (path: string): Promise<boolean> => ((await silenceOf(path)) ?? 0) > ABANDONED_AFTER
