import {spawn} from 'node:child_process'
import {cp, symlink} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {temporaryFolder, type CliResult} from './cli.ts'

export const PACKAGE = resolve(import.meta.dirname, '..', '..')

/** The package as npm would ship it, to be broken; the libraries are the ones that are installed here. */
export async function copyPackage(folder?: string): Promise<string> {
  const copy = folder ?? (await temporaryFolder())
  for (const part of ['bin', 'dist', 'package.json', 'oclif.manifest.json']) {
    await cp(join(PACKAGE, part), join(copy, part), {recursive: true})
  }
  await symlink(join(PACKAGE, 'node_modules'), join(copy, 'node_modules'))
  return copy
}

export interface ProcessOptions {
  readonly cwd: string
  readonly home: string
  readonly env?: Readonly<Record<string, string>>
}

/** A program with the environment that lorchestra has in tests. */
export async function runProgram(
  program: string,
  args: readonly string[],
  {cwd, home, env}: ProcessOptions,
): Promise<CliResult> {
  const child = spawn(program, args, {
    cwd,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      XDG_DATA_HOME: join(home, 'data'),
      XDG_CACHE_HOME: join(home, 'cache'),
      XDG_CONFIG_HOME: join(home, 'config'),
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const output = {stdout: '', stderr: ''}
  for (const name of ['stdout', 'stderr'] as const) {
    child[name].setEncoding('utf8')
    child[name].on('data', (chunk: string) => {
      output[name] += chunk
    })
  }
  return new Promise((resolveResult, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => {
      resolveResult({code, signal, ...output})
    })
  })
}

export const runNode = async (args: readonly string[], options: ProcessOptions): Promise<CliResult> =>
  runProgram(process.execPath, args, options)
