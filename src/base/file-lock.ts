import {randomUUID} from 'node:crypto'
import {readFile, rm, stat, utimes, writeFile} from 'node:fs/promises'

import {busy, failure} from './errors.ts'
import {pause} from './waiting.ts'
import {isAlive, ownProcess, type ProcessIdentity} from './process-identity.ts'
import {DEAD_AFTER, showLife, silenceOf} from './sign-of-life.ts'
import {hasCode} from './system-error.ts'

export interface FileLockOptions {
  /** The file exists while somebody holds the lock, and names the holder. */
  readonly path: string
  /** The thing that the lock protects, for an error. */
  readonly holds: string
  /** Milliseconds to wait for another process. */
  readonly lockTimeout: number
  readonly signal?: AbortSignal | undefined
}

interface Holder extends ProcessIdentity {
  readonly lock: string
}

const LONGEST_PAUSE = 200
/** Whoever takes a lock names itself at once, so one that names nobody for so long is of a process that was killed in between; milliseconds. */
const UNNAMED_DEAD_AFTER = 5000

/** Runs `work` while no other process does. Within one process the caller queues. */
export async function withFileLock<Result>(options: FileLockOptions, work: () => Promise<Result>): Promise<Result> {
  const {path} = options
  const holder: Holder = {...(await ownProcess()), lock: randomUUID()}
  await acquire(options, holder)
  const endLife = showLife(async () => {
    if ((await readHolder(path))?.lock === holder.lock) await utimes(path, new Date(), new Date())
  })
  try {
    return await work()
  } finally {
    await endLife()
    await release(path, holder)
  }
}

async function acquire({path, holds, lockTimeout, signal}: FileLockOptions, holder: Holder): Promise<void> {
  const deadline = Date.now() + lockTimeout
  for (let wait = 10; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    signal?.throwIfAborted()
    if (await create(path, holder)) return
    if (await isOfTheDead(path)) {
      await removeOfTheDead(path, holder)
      if (await create(path, holder)) return
    }
    if (Date.now() >= deadline) throw await refusal(path, holds)
    await pause(wait, signal)
  }
}

async function create(path: string, holder: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(holder), {mode: 0o600, flag: 'wx'})
    // One that took longer to name itself than anybody waits for may have been taken for dead.
    return (await readHolder(path))?.lock === holder.lock
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    // On a full disk the file is there, without its content.
    if (!hasCode(error, 'EACCES', 'EROFS', 'EPERM', 'ENOENT')) await rm(path, {force: true})
    throw failure(`the lock ${path} cannot be written`, {
      code: 'E_FILE_NOT_WRITTEN',
      next: 'Make room, or make its folder writable, and run the same command again.',
      cause: error,
    })
  }
}

/** Tells of a lock which nobody who looks wants to take. */
export interface SeenLock {
  readonly holder: string
  /** `undefined` where the holder cannot be asked: it is on another machine or in another container, or has not named itself. */
  readonly isHeld: boolean | undefined
  /** Whoever wants the lock next takes it over. */
  readonly isFree: boolean
  /** How long after its last sign of life somebody who cannot be asked is taken for dead, in words. */
  readonly freeAfter: string
  /** Milliseconds since its last sign of life. */
  readonly silence: number
}

/** Changes nothing. Answers `undefined` where there is no lock. */
export async function lookAtLock(path: string): Promise<SeenLock | undefined> {
  const other = await readHolder(path)
  const isFree = await isOfTheDead(path)
  const isHeld = isFree ? false : other && (await isAlive(other))
  const freeAfter = await spanUntilFree(path)
  const silence = await silenceOf(path)
  return silence === undefined ? undefined : {holder: nameOf(other), isHeld, isFree, freeAfter, silence}
}

const spanUntilFree = async (path: string): Promise<string> => ((await isEmpty(path)) ? 'five seconds' : 'five minutes')

/** A process that can be seen is asked; one that cannot be, or may be another by now, is dead when it was silent for long. */
async function isOfTheDead(path: string): Promise<boolean> {
  const other = await readHolder(path)
  const alive = other === undefined ? undefined : await isAlive(other)
  if (alive === false) return true
  if (alive === true && other?.token !== '') return false
  return ((await silenceOf(path)) ?? 0) >= ((await isEmpty(path)) ? UNNAMED_DEAD_AFTER : DEAD_AFTER)
}

async function isEmpty(path: string): Promise<boolean> {
  try {
    return (await stat(path)).size === 0
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return false
    throw error
  }
}

/**
 * Removes the lock under another one: between looking and removing, another process may have removed the dead one's lock
 * and put its own in place.
 */
async function removeOfTheDead(path: string, holder: Holder): Promise<void> {
  const guard = `${path}.takeover`
  if (!(await create(guard, holder))) {
    if (await isOfTheDead(guard)) await rm(guard, {force: true})
    return
  }
  try {
    if (await isOfTheDead(path)) await rm(path, {force: true})
  } finally {
    await rm(guard, {force: true})
  }
}

async function release(path: string, holder: Holder): Promise<void> {
  try {
    const current = await readHolder(path)
    if (current?.lock === holder.lock) await rm(path, {force: true})
  } catch {
    // The next process takes the lock of this one over; the outcome of the work matters more.
  }
}

/** Nobody is named by a file that is not there, is just being written, or was left unfinished. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return parseHolder(await readFile(path, 'utf8'))
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
}

function parseHolder(text: string): Holder | undefined {
  try {
    const {host, pid, token, namespace, lock} = JSON.parse(text) as Partial<Holder>
    return typeof host === 'string' && typeof pid === 'number' && typeof token === 'string' && typeof lock === 'string'
      ? {host, pid, token, lock, ...(typeof namespace === 'string' && {namespace})}
      : undefined
  } catch {
    return undefined
  }
}

const nameOf = (holder: Holder | undefined): string =>
  holder === undefined ? 'another process' : `process ${holder.pid} on ${holder.host}`

async function refusal(path: string, holds: string): Promise<Error> {
  const other = await readHolder(path)
  const who = nameOf(other)
  const seen = other !== undefined && (await isAlive(other)) === true
  // To wait would help nobody until then.
  if (!seen && ((await silenceOf(path)) ?? 0) < -DEAD_AFTER) {
    return failure(`${who} is using ${holds} since a time that is still to come`, {
      code: 'E_CLOCK_WRONG',
      next: `Set the clocks of all machines that use it. If nobody does, remove ${path}.`,
    })
  }
  return busy(`${who} is using ${holds}`, {
    code: 'E_FILE_LOCKED',
    next: `Wait until it has ended. If it was killed where nobody here can see it, ${path} is free ${await spanUntilFree(path)} after its last sign of life.`,
  })
}
