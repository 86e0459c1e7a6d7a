import {spawn, type ChildProcess} from 'node:child_process'
import {mkdirSync, watch, type FSWatcher} from 'node:fs'
import {join} from 'node:path'
import {setTimeout as pause} from 'node:timers/promises'

import type {SelfKill} from './self-kill.ts'

export type Trigger =
  /** A share of the time that such a run takes, from when it is ready or, in the other kind, from its very start. */
  | {readonly kind: 'time' | 'time from start'; readonly share: number}
  /** The nth change of such a file. */
  | {readonly kind: 'file'; readonly file: WatchedFile; readonly occurrence: number; readonly delay: number}
  | {readonly kind: 'self'; readonly kill: SelfKill}
  | {readonly kind: 'told'; readonly when: Promise<void>; readonly delay: number}
  | {readonly kind: 'never'}

export type WatchedFile = 'run folder' | 'spool file' | 'database' | 'wal'

export interface ProcessToKill {
  readonly args: readonly string[]
  readonly cwd: string
  readonly env: Readonly<Record<string, string>>
  /** Where the DuckDB file is. */
  readonly folder: string
  /** Where run folders appear. */
  readonly spool: string
  readonly trigger: Trigger
  /** Milliseconds that such a run takes. */
  readonly usual: number
}

export interface Ended {
  readonly killed: boolean
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** From being ready to its end. */
  readonly milliseconds: number
}

export async function runAndKill(order: ProcessToKill): Promise<Ended> {
  mkdirSync(order.spool, {recursive: true, mode: 0o700})
  let watchers: readonly FSWatcher[] = []
  const startedAt = performance.now()
  let readyAt = startedAt
  const child = spawn(process.execPath, order.args, {
    cwd: order.cwd,
    env: order.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  watchers = watchFor(order, child)
  const output = {stdout: '', stderr: ''}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8').on('data', (text: string) => {
      const first = output.stdout === '' && name === 'stdout'
      output[name] += text
      if (!first) return
      readyAt = performance.now()
      if (order.trigger.kind === 'time') void killAfter(child, order.trigger.share * order.usual)
    })
  }
  if (order.trigger.kind === 'told') void killWhenTold(child, order.trigger)
  if (order.trigger.kind === 'time from start') void killAfter(child, order.trigger.share * order.usual)
  const [code, signal] = await new Promise<readonly [number | null, NodeJS.Signals | null]>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (...ended) => resolve(ended))
  })
  for (const watcher of watchers) watcher.close()
  return {killed: signal === 'SIGKILL', code, ...output, milliseconds: performance.now() - readyAt}
}

async function killAfter(child: ChildProcess, milliseconds: number): Promise<void> {
  await pause(milliseconds)
  child.kill('SIGKILL')
}

async function killWhenTold(child: ChildProcess, {when, delay}: Extract<Trigger, {kind: 'told'}>): Promise<void> {
  await when
  if (delay === 0) child.kill('SIGKILL')
  else await killAfter(child, delay)
}

function watchFor({trigger, folder, spool}: ProcessToKill, child: ChildProcess): readonly FSWatcher[] {
  if (trigger.kind !== 'file') return []
  const {file, delay} = trigger
  let seen = 0
  const happened = (): void => {
    seen += 1
    if (seen !== trigger.occurrence) return
    if (delay === 0) child.kill('SIGKILL')
    else void killAfter(child, delay)
  }
  if (file === 'database' || file === 'wal') {
    return [
      watch(folder, (_, name) => {
        if (name?.endsWith('.duckdb') === true && file === 'database') happened()
        if (name?.includes('.duckdb.') === true && file === 'wal') happened()
      }),
    ]
  }
  const watchers: FSWatcher[] = []
  watchers.push(
    watch(spool, (_, name) => {
      if (file === 'run folder') happened()
      else if (name !== null && watchers.length === 1) watchers.push(...watchRunFolder(join(spool, name), happened))
    }),
  )
  return watchers
}

function watchRunFolder(folder: string, happened: () => void): readonly FSWatcher[] {
  try {
    const watcher = watch(folder, happened)
    // It may be removed at any moment.
    watcher.on('error', () => watcher.close())
    return [watcher]
  } catch {
    return []
  }
}
