import {AsyncLocalStorage} from 'node:async_hooks'
import fs from 'node:fs'
import {syncBuiltinESMExports} from 'node:module'

import type {ConformanceSetup} from './setup.ts'
import {contextFor, read, streamsOf} from './reading.ts'
import {SMALL, withTrial} from './trial.ts'

const WRITING = [
  'appendFile',
  'chmod',
  'chown',
  'copyFile',
  'cp',
  'link',
  'mkdir',
  'mkdtemp',
  'rename',
  'rm',
  'rmdir',
  'symlink',
  'truncate',
  'unlink',
  'utimes',
  'writeFile',
] as const

type Functions = Record<string, ((...args: unknown[]) => unknown) | undefined>

export const checkDisk = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    // Only what the source does counts: the test service lives in the same process.
    const reading = new AsyncLocalStorage<true>()
    const written = new Set<string>()
    const restore = refuseWrites((path) => {
      if (reading.getStore() !== true) return false
      written.add(path)
      return true
    })
    try {
      await reading.run(true, async () => {
        const context = contextFor(trial, streamsOf(trial))
        await setup.source.check?.(context)
        await setup.source.currentBookmark?.(context)
        await read(trial)
      })
    } finally {
      restore()
    }
    if (written.size === 0) return
    throw new Error(
      `it writes to ${[...written].join(', ')}; a source writes nowhere: what must last goes into a bookmark or context.secrets`,
    )
  })

/** Refuses them also for those who imported the functions by name before. */
function refuseWrites(isRefused: (path: string) => boolean): () => void {
  const originals: (() => void)[] = []
  const guard = (owner: Functions, name: string, writes: (args: readonly unknown[]) => boolean): void => {
    const original = owner[name]
    if (original === undefined) return
    owner[name] = function (this: unknown, ...args: unknown[]) {
      if (writes(args) && isRefused(String(args[0]))) throw new Error(`the conformance suite refuses ${name}`)
      return original.apply(this, args)
    }
    originals.push(() => {
      owner[name] = original
    })
  }
  const always = (): boolean => true
  const [callbacks, promises] = [fs, fs.promises] as unknown as [Functions, Functions]
  for (const name of WRITING) {
    guard(callbacks, name, always)
    guard(callbacks, `${name}Sync`, always)
    guard(promises, name, always)
  }
  for (const [owner, name] of [
    [callbacks, 'open'],
    [callbacks, 'openSync'],
    [promises, 'open'],
  ] as const) {
    guard(owner, name, ([, flags]) => opensForWriting(flags))
  }
  syncBuiltinESMExports()
  return () => {
    for (const restore of originals) restore()
    syncBuiltinESMExports()
  }
}

function opensForWriting(flags: unknown): boolean {
  if (typeof flags === 'number') return (flags & (fs.constants.O_WRONLY | fs.constants.O_RDWR)) !== 0
  return typeof flags === 'string' && /[wa+]/.test(flags)
}
