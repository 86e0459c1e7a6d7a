import {chmod, stat} from 'node:fs/promises'

import {isUnsupported} from './system-error.ts'

const OF_OTHERS = 0o077

/**
 * Sets the mode of a file or folder. File systems without modes (exFAT, SMB, many of containers and buckets) refuse, or do
 * nothing. Answers whether others may get at it all the same.
 */
export async function setMode(path: string, mode: number): Promise<{readonly openToOthers: boolean}> {
  try {
    await chmod(path, mode)
  } catch (error) {
    if (!isUnsupported(error)) throw error
  }
  // Windows knows of no others in a mode.
  if (process.platform === 'win32') return {openToOthers: false}
  return {openToOthers: ((await stat(path)).mode & OF_OTHERS & ~mode) !== 0}
}
