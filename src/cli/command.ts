import type {Config} from '../config/config.ts'
import {exitCodeOf, messageWithCauses, LorchestraError, outcomeOf} from '../base/errors.ts'
import {createMask, LOG_LEVELS} from '../base/log.ts'
import {Command, Errors, Flags} from '../base/oclif.ts'

/** What all commands share: `--json`, `--config`, `--log-level`, and errors in two lines. */
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

  /** To stdout. */
  protected print = (text: string): void => {
    process.stdout.write(text)
  }

  protected async readConfig(explicitPath: string | undefined): Promise<Config> {
    const [{loadConfig}, {WAREHOUSE_KINDS}] = await Promise.all([
      import('../config/config.ts'),
      import('../warehouse/kinds.ts'),
    ])
    return loadConfig({
      ...(explicitPath !== undefined && {explicitPath}),
      workingFolder: process.cwd(),
      environment: process.env,
      kinds: WAREHOUSE_KINDS,
    })
  }

  /** The one document of `--json` for an error. */
  protected errorDocument(error: ErrorDocument): object {
    return {schema: 1, error}
  }

  override async catch(error: Error): Promise<void> {
    const own = error instanceof LorchestraError
    if (error instanceof Errors.ExitError) throw error
    if (error.message.includes('cannot also be provided when using')) {
      error.message += '\nThese flags are mutually exclusive: leave one of them out'
    }
    if (!own && !this.jsonEnabled() && error instanceof Errors.CLIError) {
      await super.catch(error)
      return
    }
    const outcome = error instanceof Errors.CLIError ? 'usage' : outcomeOf(error)
    const message = this.mask.apply(messageWithCauses(error))
    const next = own && error.next !== undefined ? this.mask.apply(error.next) : undefined
    if (this.jsonEnabled()) {
      this.logJson(this.errorDocument({outcome, message, ...(next !== undefined && {next})}))
    } else {
      process.stderr.write(`Error: ${message}\n${next === undefined ? '' : `  → ${next}\n`}`)
    }
    if ((process.env['DEBUG'] ?? '') !== '') process.stderr.write(`${this.mask.apply(error.stack ?? '')}\n`)
    this.exit(exitCodeOf([outcome]))
  }

  override logJson(json: unknown): void {
    this.print(`${JSON.stringify(json, null, 2)}\n`)
  }
}

export interface ErrorDocument {
  readonly outcome: string
  readonly message: string
  readonly next?: string
}
