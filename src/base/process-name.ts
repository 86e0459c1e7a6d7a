import {createHash, randomBytes} from 'node:crypto'

import {isAlive, ownProcess, type ProcessIdentity} from './process-identity.ts'

/** What a name of a process looks like, to be found in the name of a file. */
export const PROCESS_NAME = '([0-9a-f]{8}-\\d+-[0-9a-f]{8})'

/**
 * Gives this process a name for the name of a file that others may see and make as well: on a volume of several containers a
 * number alone is that of many.
 */
export const ownProcessName = async (): Promise<string> => processNameOf(await ownProcess())

export const processNameOf = (process: ProcessIdentity): string =>
  `${placeOf(process)}-${process.pid}-${randomBytes(4).toString('hex')}`

/** Tells whether the process of that name is gone; `undefined` for one of another machine or container, which nobody here can see. */
export async function isGone(name: string): Promise<boolean | undefined> {
  const [place, pid] = name.split('-')
  const own = await ownProcess()
  if (place !== placeOf(own)) return undefined
  return (await isAlive({...own, pid: Number(pid), token: ''})) === false
}

/** Processes that can see each other have the same. */
const placeOf = ({host, namespace}: ProcessIdentity): string =>
  createHash('sha256')
    .update(JSON.stringify([host, namespace]))
    .digest('hex')
    .slice(0, 8)
