import {spawn} from 'node:child_process'
import {dirname, join} from 'node:path'
import {fileURLToPath} from 'node:url'

const PROGRAM = fileURLToPath(new URL('../bin/run.js', import.meta.url))

export interface Finished {
  readonly code: number | null
  /** stdout and stderr as they came. */
  readonly output: string
}

export interface CommandLineOptions {
  readonly folder: string
  readonly env: Readonly<Record<string, string>>
  /** Gets the output while it comes. */
  readonly echo?: (text: string) => void
}

/** Runs `lorchestra …` as a person would, in `folder`, with nothing of this machine's lorchestra settings. */
export async function lorchestra(line: string, {folder, env, echo}: CommandLineOptions): Promise<Finished> {
  const child = spawn(process.execPath, [PROGRAM, ...line.split(' ')], {
    cwd: folder,
    env: {
      PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
      HOME: folder,
      XDG_DATA_HOME: join(folder, '.home', 'data'),
      XDG_CACHE_HOME: join(folder, '.home', 'cache'),
      XDG_CONFIG_HOME: join(folder, '.home', 'config'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
      echo?.(text)
    })
  }
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return {code, output}
}
