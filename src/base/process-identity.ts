import {readFile, readlink} from 'node:fs/promises'
import {hostname} from 'node:os'

import {z} from 'zod'

import {hasCode} from './system-error.ts'

/** Names the process that holds something, so that another one can tell whether it is still alive. */
export const processIdentity = z.object({
  host: z.string(),
  pid: z.number(),
  /** Differs between two processes that got the same pid; empty where the system does not tell. */
  token: z.string(),
  /** Containers may share a host name and number their processes alike; missing where the system has no such thing. */
  namespace: z.string().optional(),
})

export type ProcessIdentity = z.infer<typeof processIdentity>

export async function ownProcess(): Promise<ProcessIdentity> {
  const namespace = await ownNamespace()
  return {
    host: hostname(),
    pid: process.pid,
    token: await tokenOf(process.pid),
    ...(namespace !== undefined && {namespace}),
  }
}

/** Answers `undefined` for a process of another machine or container: nobody here can tell. */
export async function isAlive(other: ProcessIdentity): Promise<boolean | undefined> {
  if (other.host !== hostname()) return undefined
  if (other.namespace !== undefined && other.namespace !== (await ownNamespace())) return undefined
  if (!signalReaches(other.pid)) return false
  const token = await tokenOf(other.pid)
  return token === '' || other.token === '' || token === other.token
}

function signalReaches(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // Another user's process may not be signalled, which shows that it is there.
    return hasCode(error, 'EPERM')
  }
}

async function ownNamespace(): Promise<string | undefined> {
  if (process.platform !== 'linux') return undefined
  return readlink('/proc/self/ns/pid')
}

/** Joins boot and start time of the process, which Linux tells in /proc (proc_pid_stat(5), field 22). */
async function tokenOf(pid: number): Promise<string> {
  if (process.platform !== 'linux') return ''
  try {
    const [boot, status] = await Promise.all([
      readFile('/proc/sys/kernel/random/boot_id', 'utf8'),
      readFile(`/proc/${pid}/stat`, 'utf8'),
    ])
    // The second field, the program's name in parentheses, may hold spaces.
    const fields = status.slice(status.lastIndexOf(')') + 2).split(' ')
    return `${boot.trim()}/${fields[19] ?? ''}`
  } catch (error) {
    if (hasCode(error, 'ENOENT', 'ESRCH')) return 'gone'
    throw error
  }
}
