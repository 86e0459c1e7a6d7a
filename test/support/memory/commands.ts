import {fork} from 'node:child_process'
import {once} from 'node:events'
import {fileURLToPath} from 'node:url'

import {environmentOf} from '../program.ts'

export interface EndedCommand {
  readonly code: number
  readonly stdout: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
}

/** Runs command lines of the built program, to which a third kind of warehouse was added, in one process. */
export async function commandsWithMemory(
  lines: readonly (readonly string[])[],
  {cwd, home, env}: CommandOptions,
): Promise<readonly EndedCommand[]> {
  const program = fileURLToPath(new URL('program.ts', import.meta.url))
  const child = fork(program, [JSON.stringify(lines)], {
    cwd,
    env: environmentOf(home, env),
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  })
  const ended: EndedCommand[] = []
  let stderr = ''
  child.stderr?.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  child.on('message', (message: EndedCommand) => ended.push(message))
  const [code] = (await once(child, 'close')) as [number | null]
  if (code !== 0 || ended.length !== lines.length) throw new Error(`the commands ended with ${code}: ${stderr}`)
  return ended
}
