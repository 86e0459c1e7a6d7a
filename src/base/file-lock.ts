import {randomUUID} from 'node:crypto'
import {link, readFile, rm, writeFile} from 'node:fs/promises'

import {failure, busy} from './errors.ts'
import {pause} from './waiting.ts'
import {isAlive, ownProcess, type ProcessIdentity} from './process-identity.ts'
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

/** Runs `work` while no other process does. Within one process the caller queues. */
export async function withFileLock<Result>(options: FileLockOptions, work: () => Promise<Result>): Promise<Result> {
  const holder: Holder = {...(await ownProcess()), lock: randomUUID()}
  await acquire(options, holder)
  try {
    return await work()
  } finally {
    await release(options.path, holder)
  }
}

async function acquire({path, holds, lockTimeout, signal}: FileLockOptions, holder: Holder): Promise<void> {
  const deadline = Date.now() + lockTimeout
  for (let wait = 10; ; wait = Math.min(wait * 2, LONGEST_PAUSE)) {
    signal?.throwIfAborted()
    if (await create(path, holder)) return
    const other = await readHolder(path)
    if (other !== undefined && (await isAlive(other)) === false) {
      await removeOfTheDead(path, holder)
      if (await create(path, holder)) return
    }
    if (Date.now() >= deadline) throw heldBy(other, path, holds)
    await pause(wait, signal)
  }
}

/** The file appears with its content or not at all, unlike one that is created and then written. */
async function create(path: string, holder: Holder): Promise<boolean> {
  const draft = `${path}.${holder.lock}`
  await writeFile(draft, JSON.stringify(holder), {mode: 0o600})
  try {
    await link(draft, path)
    return true
  } catch (error) {
    if (hasCode(error, 'EEXIST')) return false
    throw error
  } finally {
    await rm(draft, {force: true})
  }
}

/**
 * Removes the lock under another one: between looking and removing, another process may have removed the dead one's lock
 * and put its own in place.
 */
async function removeOfTheDead(path: string, holder: Holder): Promise<void> {
  const guard = `${path}.takeover`
  if (!(await create(guard, holder))) return
  try {
    const dead = await readHolder(path)
    if (dead !== undefined && (await isAlive(dead)) === false) await rm(path, {force: true})
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

async function readHolder(path: string): Promise<Holder | undefined> {
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return undefined
    throw error
  }
  const holder = parseHolder(text)
  if (holder !== undefined) return holder
  throw failure(`the lock ${path} names no process`, {
    code: 'E_FILE_LOCKED',
    next: 'Remove it if no lorchestra is running.',
  })
}

function parseHolder(text: string): Holder | undefined {
  try {
    const {host, pid, token, lock} = JSON.parse(text) as Partial<Holder>
    return typeof host === 'string' && typeof pid === 'number' && typeof token === 'string' && typeof lock === 'string'
      ? {host, pid, token, lock}
      : undefined
  } catch {
    return undefined
  }
}

function heldBy(other: Holder | undefined, path: string, holds: string): Error {
  const who = other === undefined ? 'another process' : `process ${other.pid} on ${other.host}`
  return busy(`${who} is using ${holds}`, {
    code: 'E_FILE_LOCKED',
    next: `Wait until it has ended. If there is no such process, remove ${path} (and ${path}.takeover, if it is there).`,
  })
}
