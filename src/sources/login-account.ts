import type {Config as CommandLine} from '@oclif/core'

import type {AccountEntry, Config} from '../config/config.ts'
import {formatDuration} from '../base/time.ts'
import {failure, sourceBug, sourceFailure, usageError} from '../base/errors.ts'
import {resolveOptions, type OptionsOwner} from '../config/job-options.ts'
import {openSecrets} from './secrets/open-secrets.ts'
import {chooseJob, findAccount} from '../config/jobs.ts'
import type {Mask} from '../base/mask.ts'
import type {Logger, SecretStore} from '../source.ts'
import {SourceBoxes} from './source-boxes.ts'
import type {HostLoginContext} from './box/hosted-source.ts'
import {untilAborted} from '../base/waiting.ts'

export interface LoginRequest {
  readonly config: Config
  readonly commandLine: CommandLine
  readonly account: string
  /** Milliseconds that the person has. */
  readonly timeout: number
  readonly signal: AbortSignal
  readonly log: Logger
  readonly mask: Mask
  /** Shows a line to the person. */
  readonly tell: (message: string) => unknown
  /** Opens an address, and rejects where there is no browser. Left out: an address is shown, but not opened. */
  readonly openBrowser?: (url: URL) => Promise<void>
}

export interface LoginResult {
  readonly account: string
  readonly source: string
  /** Names of the secrets that are now kept for the account. */
  readonly stored: readonly string[]
}

/** Has the account's source get credentials from a person, and keeps them for all runs of the account. */
export async function loginAccount(request: LoginRequest): Promise<LoginResult> {
  const {config, commandLine, mask, log, tell} = request
  const account = findAccount(config, request.account)
  const owner = ownerOf(account, config)
  const source = await new SourceBoxes(commandLine, config, {log, mask}).sourceOf(owner)
  if (source.login === undefined) {
    throw usageError(`${account.source} has no login; the credentials of ${account.name} are options`, {
      code: 'E_USAGE_FLAGS',
      next: `Put them under accounts: ${account.name}: in ${config.shownPath}.`,
    })
  }
  // What a login is to get may be missing.
  const resolved = await resolveOptions(owner, source, config, mask, () => Promise.resolve(true))
  const limit = timeLimit(request.timeout)
  const signal = AbortSignal.any([request.signal, limit.signal])
  const stored = new Set<string>()
  const context: HostLoginContext = {
    options: resolved.options,
    secrets: recording(
      openSecrets({account: account.name}, {config, dataDir: commandLine.dataDir, mask, signal}),
      stored,
    ),
    log,
    signal,
    tell: (message) => tell(mask.apply(message)),
    open: async (url) => showAndOpen(url, request),
  }
  try {
    await untilAborted(source.login(context), signal)
  } catch (error) {
    throw sourceFailure(error, 'E_LOGIN_FAILED')
  } finally {
    limit.clear()
  }
  if (stored.size > 0) return {account: account.name, source: account.source, stored: [...stored]}
  throw sourceBug(`the login of ${account.source} ended without storing anything`)
}

/** Some options that a source requires stand in jobs, so the account is seen through the first job that reads it. */
function ownerOf({name, source, sourceSystem, allow, options}: AccountEntry, config: Config): OptionsOwner {
  const job = [...config.jobs.values()].find(({account}) => account === name)
  return job === undefined
    ? {account: name, sourceName: source, sourceSystem, allow, options}
    : chooseJob(config, job.name)
}

function timeLimit(timeout: number): {signal: AbortSignal; clear: () => void} {
  const controller = new AbortController()
  const timer = setTimeout(() => {
    controller.abort(
      failure(`nobody signed in within ${formatDuration(timeout)}`, {
        code: 'E_LOGIN_TIMEOUT',
        next: 'Run it again; --timeout gives more time.',
      }),
    )
  }, timeout)
  return {signal: controller.signal, clear: () => clearTimeout(timer)}
}

const recording = (secrets: SecretStore, stored: Set<string>): SecretStore => ({
  get: async (name) => secrets.get(name),
  update: async (name, change) => {
    const value = await secrets.update(name, change)
    stored.add(name)
    return value
  },
})

async function showAndOpen(url: URL, {tell, openBrowser, log}: LoginRequest): Promise<void> {
  // A browser does more with other addresses than show a page.
  if (!['https:', 'http:'].includes(url.protocol)) throw new Error(`${url.protocol} is no address for a browser`)
  tell(`Open this address in a browser:\n\n  ${url.href}\n`)
  if (openBrowser === undefined) return
  try {
    await openBrowser(url)
  } catch (error) {
    tell('There is no browser to open it in; open it yourself.')
    log.debug('no browser could be opened', {reason: error instanceof Error ? error.message : 'unknown'})
  }
}
