import {spawn} from 'node:child_process'
import {existsSync} from 'node:fs'

import {homeOfTest} from './cli.ts'
import {environmentOf, PROGRAM} from './program.ts'

const SCRIPT = '/usr/bin/script'

/** `script` of util-linux gives a program a terminal of its own. */
export const terminalIsThere = (): boolean => process.platform === 'linux' && existsSync(SCRIPT)

export interface TerminalResult {
  readonly code: number | null
  /** All that was shown, without colours and movements of the cursor. */
  readonly screen: string
  /** The same with them. */
  readonly colours: string
}

type Answers = readonly (readonly [question: string, keys: string])[]

/** Types each answer when its question is on the screen. */
export async function onTerminal(args: readonly string[], cwd: string, answers: Answers): Promise<TerminalResult> {
  return programOnTerminal([process.execPath, PROGRAM, ...args], {cwd}, answers)
}

export async function programOnTerminal(
  command: readonly string[],
  {cwd, env}: {readonly cwd: string; readonly env?: Readonly<Record<string, string>>},
  answers: Answers,
): Promise<TerminalResult> {
  const quoted = command.map((word) => `'${word}'`).join(' ')
  const child = spawn(SCRIPT, ['--quiet', '--return', '--command', quoted, '/dev/null'], {
    cwd,
    env: {...environmentOf(await homeOfTest(), env), TERM: 'xterm', SHELL: '/bin/sh'},
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  let screen = ''
  let colours = ''
  const open = [...answers]
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    colours += text
    // oxlint-disable-next-line no-control-regex -- these are the codes of terminals
    screen += text.replaceAll(/\u001B\[[\d;?]*[A-Za-z]/g, '')
    const [question, keys] = open[0] ?? []
    if (question === undefined || !screen.includes(question)) return
    open.shift()
    child.stdin.write(keys ?? '')
  })
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', resolve)
  })
  return {code, screen, colours}
}
