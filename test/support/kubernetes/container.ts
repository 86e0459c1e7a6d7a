import {spawn} from 'node:child_process'
import {once} from 'node:events'
import {readFileSync} from 'node:fs'
import {mkdtemp, rm} from 'node:fs/promises'
import {join} from 'node:path'
import type {Readable} from 'node:stream'

import type {Image} from './image.ts'

export interface Mount {
  readonly source: string
  readonly target: string
  readonly writable: boolean
}

export interface ContainerOptions {
  readonly image: Image
  readonly host: string
  readonly user: number
  readonly group: number
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  /** Later ones lie over earlier ones. */
  readonly mounts: readonly Mount[]
  /** A folder for what it needs while it runs. */
  readonly temporary: string
}

export interface ContainerEnd {
  readonly code: number | null
  readonly signal: string | null
  readonly stderr: string
}

export interface Container {
  readonly stdout: Readable
  readonly ended: Promise<ContainerEnd>
  /** Ends with SIGKILL all that runs there; a container gets no other signal. */
  kill(): void
}

/** Starts a process in name spaces of its own. */
export async function startContainer(options: ContainerOptions): Promise<Container> {
  const {image, host, user, group, args, env, mounts, temporary} = options
  const root = await mkdtemp(join(temporary, 'root-'))
  const places = [...image.layers, ...mounts].flatMap(({source, target, writable}) => [
    source,
    target,
    writable ? 'rw' : 'ro',
  ])
  const spaces = ['--mount', '--uts', '--ipc', '--pid', '--fork', '--kill-child']
  const script = join(import.meta.dirname, 'container.sh')
  const settings = [root, host, String(user), String(group), image.folder]
  const command = [...spaces, 'sh', script, ...settings, ...places, '--', ...image.entrypoint, ...args]
  const child = spawn('unshare', command, {env: {...image.env, ...env}, stdio: ['ignore', 'pipe', 'pipe']})
  let stderr = ''
  let killed = false
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const ends = async (): Promise<ContainerEnd> => {
    const [code, signal] = (await once(child, 'close')) as [number | null, string | null]
    await rm(root, {recursive: true})
    // What `unshare` itself ends with then differs from version to version.
    return killed && code !== 0 ? {code: null, signal: 'SIGKILL', stderr} : {code, signal, stderr}
  }
  return {
    stdout: child.stdout,
    ended: ends(),
    kill() {
      if (child.pid === undefined || child.exitCode !== null) return
      killed = true
      killInit(child.pid)
    },
  }
}

/** The first process of a space of processes takes all others there with it; `unshare`, which waits for it outside, does not. */
function killInit(outside: number): void {
  const [init] = readFileSync(`/proc/${outside}/task/${outside}/children`, 'utf8').split(' ')
  if (init !== undefined && init !== '') process.kill(Number(init), 'SIGKILL')
}
