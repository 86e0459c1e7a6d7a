import {mkdir, statfs} from 'node:fs/promises'

import {messageWithCauses} from '../base/errors.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {formatSpan} from '../base/span.ts'
import {check, type Answer, type Finding} from './finding.ts'

/** Milliseconds. Beyond the first, records may be missed or read late; sources stop runs somewhere beyond the second. */
const CLOCK_SKEW = {warning: 60_000, failed: 5 * 60_000}
const LITTLE_SPACE = 1024 ** 3

export const checkNode = async (): Promise<Finding> =>
  check('node', process.version, () => {
    assertNodeIsNewEnough()
    return 'new enough'
  })

export const checkDisk = async (folder: string): Promise<Finding> =>
  check('disk', 'temporary files', async () => {
    try {
      await mkdir(folder, {recursive: true, mode: 0o700})
    } catch (error) {
      const next = 'Set HOME or XDG_CACHE_HOME to a folder that can be written.'
      return {status: 'failed', found: messageWithCauses(error), next}
    }
    const {bavail, bsize} = await statfs(folder)
    const gigabytes = ((bavail * bsize) / 1024 ** 3).toFixed(1)
    if (bavail * bsize >= LITTLE_SPACE) return `${gigabytes} GB free in ${folder}`
    return {
      status: 'warning',
      found: `only ${gigabytes} GB free in ${folder}`,
      next: 'Free some space, or point XDG_CACHE_HOME to another disk: a run keeps what it has not committed there.',
    }
  })

/** Judges how far the clock is ahead of the services that were asked; milliseconds, negative where it is behind. */
export const checkClock = async (skew: number): Promise<Finding> =>
  check('clock', 'of this machine', () => judgeSkew(skew))

function judgeSkew(milliseconds: number): Answer {
  const seconds = Math.round(Math.abs(milliseconds) / 1000)
  const found = `${formatSpan(seconds * 1000)} ${milliseconds < 0 ? 'behind' : 'ahead of'} the service that was asked`
  if (Math.abs(milliseconds) <= CLOCK_SKEW.warning)
    return `within ${Math.max(seconds, 1)} s of the services that were asked`
  const status = Math.abs(milliseconds) <= CLOCK_SKEW.failed ? 'warning' : 'failed'
  return {status, found, next: 'Set the clock of this machine: the windows that runs read end by it.'}
}
