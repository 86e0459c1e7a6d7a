import {once} from 'node:events'

import type {Interfaces} from '@oclif/core'

import type {Config, ConfigRequest} from '../config/config.ts'
import type {ErrorMember} from '../base/error-document.ts'
import {errorMemberOf, formatError, stacksOf} from '../base/error-output.ts'
import {exitCodeOf, outcomeOf} from '../base/errors.ts'
import {createLogger, LOG_LEVELS} from '../base/log.ts'
import {createMask} from '../base/mask.ts'
import {connectPatiently} from '../base/network.ts'
import {Command, Errors, Flags} from '../base/oclif.ts'
import {printable} from '../base/printable.ts'
import {paintFor, paintMarks, screenOf, type Screen} from '../base/screen.ts'
import {settleProxy} from '../base/proxy.ts'
import {hearRequests} from '../warehouse/told-requests.ts'
import {fromOclif} from './oclif-error.ts'
import {stdoutHoldsAResult} from './output-loss.ts'

/** Holds what all commands share: `--json`, `--config`, `--log-level`, and errors in two lines. */
export abstract class LorchestraCommand extends Command {
  static override enableJsonFlag = true
  static override baseFlags = {
    config: Flags.string({
      description: 'lorchestra.yaml to use instead of the nearest one, from this folder upward',
      helpValue: 'FILE',
      helpGroup: 'GLOBAL',
    }),
    'log-level': Flags.option({options: LOG_LEVELS, default: 'warn' as const, helpGroup: 'GLOBAL'})({
      description: 'how much to log on stderr',
    }),
  }

  /** Every secret that a run resolves is added, before anything can print it. */
  protected readonly mask = createMask()

  #stopTelling: (() => void) | undefined

  override async init(): Promise<void> {
    await super.init()
    stdoutHoldsAResult()
    connectPatiently()
    settleProxy(process.env)
  }

  /** The first time, it has requests to the warehouse told from then on, where the log is that close. */
  protected override async parse<
    Flags extends Record<string, unknown>,
    Base extends Record<string, unknown>,
    Args extends Record<string, unknown>,
  >(
    options?: Interfaces.Input<Flags, Base, Args>,
    argv?: string[],
  ): Promise<Interfaces.ParserOutput<Flags, Base, Args>> {
    const parsed = await super.parse(options, argv)
    if (parsed.flags['log-level'] === 'debug') this.#stopTelling ??= await this.#tellRequests()
    return parsed
  }

  async #tellRequests(): Promise<() => void> {
    const log = await createLogger('debug', this.mask)
    return hearRequests(({name, status, problem, milliseconds, jobId}) =>
      log.debug(name, {status, problem, milliseconds, job: jobId}),
    )
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#stopTelling?.()
    await super.finally(error)
  }

  /** What stdout leads to. */
  protected get screen(): Screen {
    return screenOf(process.stdout)
  }

  /** Prints to stdout. */
  protected print = (text: string): void => {
    process.stdout.write(text)
  }

  /** Prints to stdout, and waits for a reader that is slow; false where nobody reads any more. */
  protected printPatiently = async (text: string): Promise<boolean> => {
    const {stdout} = process
    if (stdout.destroyed) return false
    if (stdout.write(text)) return true
    const over = new AbortController()
    const {signal} = over
    try {
      await Promise.race([once(stdout, 'drain', {signal}), once(stdout, 'close', {signal})])
    } catch {
      // It is told at the end of the process.
      return false
    } finally {
      over.abort()
    }
    return !stdout.destroyed
  }

  /** Reads lorchestra.yaml; everything that is done with it then uses that set of test tables. */
  protected async readConfig(explicitPath: string | undefined, testSet?: string): Promise<Config> {
    const {loadConfig} = await import('../config/config.ts')
    return loadConfig({...(await this.configRequest(explicitPath)), ...(testSet !== undefined && {testSet})})
  }

  protected async configRequest(explicitPath: string | undefined): Promise<ConfigRequest> {
    const {WAREHOUSE_KINDS} = await import('../warehouse/kinds.ts')
    return {
      ...(explicitPath !== undefined && {explicitPath}),
      workingFolder: process.cwd(),
      environment: process.env,
      kinds: WAREHOUSE_KINDS,
    }
  }

  /** Gives the one document of `--json` for an error. */
  protected errorDocument(error: ErrorMember): object {
    return {schema: 1, error}
  }

  override async catch(error: Error): Promise<void> {
    if (error instanceof Errors.ExitError) throw error
    const known = fromOclif(error)
    if (this.jsonEnabled()) this.logJson(this.errorDocument(errorMemberOf(known, this.mask.apply)))
    else process.stderr.write(this.mask.apply(`${formatError(known, {paint: paintFor(process.stderr)}).join('\n')}\n`))
    if ((process.env['DEBUG'] ?? '') !== '') process.stderr.write(this.mask.apply(`${stacksOf(error)}\n`))
    this.exit(exitCodeOf([outcomeOf(known)]))
  }

  // Whatever a command prints goes through one of these, and so through the mask.
  override log(message = ''): void {
    super.log(paintMarks(this.mask.apply(message), this.screen.paint))
  }

  override logToStderr(message = ''): void {
    super.logToStderr(this.mask.apply(message))
  }

  override logJson(json: unknown): void {
    const masked = (_name: string, value: unknown): unknown =>
      typeof value === 'string' ? this.mask.apply(value) : value
    // Only line ends stand outside of texts, and in a text the code of a character means the same.
    const lines = JSON.stringify(json, masked, 2).split('\n').map(printable)
    this.print(`${lines.join('\n')}\n`)
  }
}
