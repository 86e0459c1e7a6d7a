import {execFile} from 'node:child_process'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'

import type {Config as CommandLine} from '@oclif/core'

import {failure, usageError} from '../../base/errors.ts'

interface NpmError {
  readonly code?: string
  readonly summary?: string
}

const PLUGINS = '@oclif/plugin-plugins'

/** Tells a name, or one with a version or tag, from all else (files, addresses, repositories), which npm fetches by itself. */
export const isInRegistry = (spec: string): boolean => /^(@[^/@:]+\/)?[^/@:]+(@[^/:]*)?$/.test(spec)

/** Asks first, because what plugin-plugins makes of any failure is that the package does not exist. */
export async function assertInRegistry(commandLine: CommandLine, spec: string): Promise<void> {
  const registry = commandLine.npmRegistry
  const args = ['view', spec, 'version', '--json', '--fetch-retries=1', '--fetch-retry-mintimeout=1000']
  if (registry !== undefined) args.push(`--registry=${registry}`)
  const answer = await runNpm(commandLine, args)
  if (answer.failed === undefined && answer.stdout.trim() !== '') return
  const {code = 'nothing', summary = ''} = errorIn(answer.stdout)
  const reason = summary.replaceAll(/\s*\n\s*/g, ' ').trim()
  if (answer.failed === undefined || code === 'ETARGET' || (code === 'E404' && /No match found/.test(reason))) {
    throw usageError(`the registry has no ${spec}`, {
      code: 'E_PLUGIN_UNKNOWN',
      next: 'Look which versions there are: npm view PACKAGE versions.',
    })
  }
  if (code === 'E404') {
    throw usageError(`there is no package ${spec} in the registry`, {
      code: 'E_PLUGIN_UNKNOWN',
      next: 'Check the spelling, and which registry npm is set to.',
    })
  }
  throw failure(`the registry could not be asked for ${spec}: ${reason === '' ? code : reason}`, {
    code: 'E_REGISTRY_UNREACHABLE',
    next: 'Check the connection, and the registry and credentials that npm is set to (npm config get registry); then run it again.',
  })
}

function errorIn(stdout: string): NpmError {
  try {
    return (JSON.parse(stdout) as {error?: NpmError}).error ?? {}
  } catch {
    // npm could not even say it in JSON: the caller says that there was no answer.
    return {}
  }
}

/** Runs the npm that plugin-plugins brings along. */
async function runNpm(commandLine: CommandLine, args: readonly string[]) {
  const root = commandLine.plugins.get(PLUGINS)?.root ?? commandLine.root
  const npm = join(dirname(createRequire(join(root, 'package.json')).resolve('npm/package.json')), 'bin', 'npm-cli.js')
  return new Promise<{readonly failed: Error | undefined; readonly stdout: string}>((resolve) => {
    execFile(process.execPath, [npm, ...args], {timeout: 120_000}, (error, stdout) => {
      resolve({failed: error ?? undefined, stdout})
    })
  })
}
