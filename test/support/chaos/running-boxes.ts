import {readdirSync, readFileSync} from 'node:fs'
import {setTimeout as pause} from 'node:timers/promises'

import {assert} from './oracle.ts'

/** Linux tells of processes by files; other systems have none of this. */
const PROCESSES = '/proc'
const TIME_TO_END = 10_000

export interface RunningBox {
  readonly pid: number
  readonly args: readonly string[]
}

/** Lists the boxes of a plugin that this command has started. */
export const boxesOf = (command: number, plugin: string): readonly RunningBox[] =>
  read(`${command}/task/${command}/children`)
    .split(' ')
    .filter((pid) => pid !== '')
    .map((pid) => ({pid: Number(pid), args: argsOf(pid)}))
    .filter(({args}) => args[1] === '--permission' && args.includes(`--allow-fs-read=${plugin}`))

/** Waits until no process is left whose command line names the folder. */
export async function untilNobodyNames(folder: string): Promise<void> {
  const deadline = performance.now() + TIME_TO_END
  for (let left = processesNaming(folder); left.length > 0; left = processesNaming(folder)) {
    const [first] = left
    assert(performance.now() < deadline, `process ${first?.pid ?? 0} is left behind: ${first?.args.join(' ') ?? ''}`)
    await pause(5)
  }
}

const processesNaming = (folder: string): readonly RunningBox[] =>
  readdirSync(PROCESSES)
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .map((pid) => ({pid: Number(pid), args: argsOf(pid)}))
    .filter(({args}) => args.some((arg) => arg.includes(folder)))

const argsOf = (pid: string): readonly string[] => read(`${pid}/cmdline`).split('\0')

/** A process may end between two looks. */
function read(path: string): string {
  try {
    return readFileSync(`${PROCESSES}/${path}`, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
    throw error
  }
}
