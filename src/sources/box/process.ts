import {spawn, type ChildProcess} from 'node:child_process'
import type {Socket} from 'node:net'
import type {Duplex, Readable} from 'node:stream'

import {connectionTimeOption} from '../../base/network.ts'
import {assertNodeIsNewEnough} from '../../base/node-version.ts'
import {BOX_PROGRAM} from '../../base/own-files.ts'
import {hasCode} from '../../base/system-error.ts'
import {bothSpellings, type Grants} from './grants.ts'

const HEAP_MEGABYTES = 2048

/**
 * Node's own walls. `node:sqlite` writes files without asking for the permission (seen with Node 24.21), so it is left out; V8's
 * flags could make it write files, so nothing sets any after the start.
 */
const WALLS = ['--permission', '--no-experimental-sqlite', '--freeze-flags-after-init']

/**
 * Kills the box where its host is gone: whatever ends the host closes the pipe, and a box in an endless loop hears of nothing.
 * A line on the pipe says that the box is gone already. It leads a group of processes, to which belongs what it starts.
 */
const WATCHED = `( trap '' INT TERM HUP; IFS= read -r line <&4 || kill -KILL -$$ ) <&4 3>&- >/dev/null 2>&1 &
exec "$@" 4<&-`

export interface BoxProcess {
  readonly child: ChildProcess
  readonly channel: Duplex
  readonly output: readonly Readable[]
  /** Ends it at once, whatever it does. */
  kill(): void
}

/** Starts a box: a Node that can write nothing, load nothing native, and start nothing or read anything but what it is granted. */
export function startBoxProcess({paths, environment, spawn: maySpawn}: Grants): BoxProcess {
  assertNodeIsNewEnough()
  const node = [
    process.execPath,
    ...WALLS,
    ...networkFlag(),
    connectionTimeOption(),
    ...(maySpawn === true ? ['--allow-child-process'] : []),
    `--max-old-space-size=${HEAP_MEGABYTES}`,
    // Pages of records come and go: V8 begins with 1 MB of room for new objects, and would copy most of a page (measured).
    '--min-semi-space-size=16',
    ...bothSpellings(paths).map((path) => `--allow-fs-read=${path}`),
    BOX_PROGRAM,
  ]
  const posix = process.platform !== 'win32'
  const [command = '', ...args] = posix ? ['/bin/sh', '-c', WATCHED, 'sh', ...node] : node
  const child = spawn(command, args, {
    env: environment,
    // A Ctrl-C in the terminal is for the host, which ends the box in its own time.
    detached: posix,
    windowsHide: true,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe', 'pipe'],
  })
  const [, stdout, stderr, channel, watch] = child.stdio
  const watched = watch as Socket
  watched.unref()
  watched.on('error', () => undefined)
  child.once('exit', () => {
    watched.end('\n')
    if (maySpawn === true && posix) killGroup(child)
  })
  return {
    child,
    channel: channel as Duplex,
    output: [stdout as Readable, stderr as Readable],
    kill() {
      if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
      child.kill('SIGKILL')
    },
  }
}

/** Ends what the box has started and left behind. What made a group of its own is not among it. */
function killGroup({pid}: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nothing is left; macOS says EPERM while the dead wait to be counted.
    if (!hasCode(error, 'ESRCH', 'EPERM')) throw error
  }
}

/** Node 25 shuts the network, too, which is the source's own business. */
const networkFlag = (): readonly string[] =>
  process.allowedNodeEnvironmentFlags.has('--allow-net') ? ['--allow-net'] : []
