import {spawn, type ChildProcess} from 'node:child_process'
import {rmSync} from 'node:fs'
import {mkdtemp, realpath, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

import {environmentOf, PROGRAM} from './program.ts'

export interface CliOptions {
  readonly cwd: string
  /** All of the environment, but for PATH and the folders of `home`. */
  readonly env?: Readonly<Record<string, string>>
  /** Where HOME and the XDG folders are. By default all calls of one test share one. */
  readonly home?: string
}

export interface CliResult {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface RunningCli {
  readonly process: ChildProcess
  readonly result: Promise<CliResult>
}

export async function lorchestra(args: readonly string[], options: CliOptions): Promise<CliResult> {
  return (await startLorchestra(args, options)).result
}

/** For tests that send a signal, or look while the command works. */
export async function startLorchestra(args: readonly string[], options: CliOptions): Promise<RunningCli> {
  const child = spawn(process.execPath, [PROGRAM, ...args], {
    cwd: options.cwd,
    env: environmentOf(options.home ?? (await homeOfTest()), options.env),
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const stdout = textOf(child.stdout)
  const stderr = textOf(child.stderr)
  const result = new Promise<CliResult>((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolve({code, signal, stdout: stdout(), stderr: stderr()})
    })
  })
  return {process: child, result}
}

export const dataFolder = (home: string): string => join(home, 'data', 'lorchestra')

function textOf(stream: NodeJS.ReadableStream): () => string {
  let text = ''
  stream.setEncoding('utf8')
  stream.on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

let hooked = false
let inTest = false
let home: Promise<string> | undefined
const foldersOfTest = new Set<string>()
const foldersOfProcess = new Set<string>()

/** Removed after the test; one that was made outside of a test is removed when the process ends. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'lorchestra-test-'))
  foldersOfProcess.add(folder)
  if (inTest) foldersOfTest.add(folder)
  return folder
}

export async function homeOfTest(): Promise<string> {
  if (!hooked) throw new Error('mocha runs without .mocharc.json, so nothing tells where a test begins and ends')
  if (!inTest) return temporaryFolder()
  home ??= temporaryFolder()
  return home
}

/** Gives each test its folders; mocha loads this with `--require`, because a worker runs many files and imports this once. */
export const mochaHooks = {
  beforeAll(): void {
    hooked = true
  },
  beforeEach(): void {
    inTest = true
  },
  async afterEach(): Promise<void> {
    inTest = false
    home = undefined
    const folders = [...foldersOfTest]
    // One that cannot be removed fails this test, and no other.
    foldersOfTest.clear()
    for (const folder of folders) {
      await rm(folder, {recursive: true, force: true, maxRetries: 3})
      foldersOfProcess.delete(folder)
    }
  },
}

process.once('exit', () => {
  for (const folder of foldersOfProcess) rmSync(folder, {recursive: true, force: true})
})
