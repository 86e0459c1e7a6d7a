import {LorchestraCommand} from '../cli/command.ts'
import type {ErrorMember} from '../base/error-document.ts'
import {asError, exitCodeOf, modeError, outcomeOf, usageError} from '../base/errors.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {stdoutHoldsNoResult} from '../cli/output-loss.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {
  currentRunMode,
  MODE_FLAGS,
  modeOfFlags,
  rowOf,
  writesProduction,
  type ModeFlag,
  type RunMode,
} from '../model/run-mode.ts'
import {listenForSignals} from '../cli/signals.ts'
import type {RunDocument} from '../report/documents/run.ts'

export default class Run extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly aliases = ['run-job']
  static override readonly summary = 'Run jobs: extract their records and write them to the warehouse'
  static override readonly description = `A plain run goes on where the last one ended. The safe modes, ${listed(MODE_FLAGS)}, are mutually exclusive.`
  static override readonly examples = [
    {
      description: 'Extract everything that is due and write nothing',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run',
    },
    {
      description: 'Write the last seven days into test_event_log and test_raw_objects',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --since -7d --test-table',
    },
    {
      description: 'Write to production: go on where the last run ended',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    },
    {
      description: 'Run all jobs whose names begin with gmail_, three at a time',
      command: "<%= config.bin %> <%= command.id %> 'gmail_*' --concurrency 3",
    },
    {
      description: 'Not possible: --dry-run and --test-table are mutually exclusive (exit code 2)',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run --test-table',
    },
  ]

  static override readonly args = {
    job: Args.string({
      description: "job of lorchestra.yaml, or a pattern such as 'gmail_*'",
      required: true,
      multiple: true,
    }),
  }

  static override readonly flags = {
    ...modeFlags(),
    account: Flags.string({description: "another account of the job's source", helpValue: 'ACCOUNT'}),
    since: Flags.string({
      description: 'read from here on, covered or not: ISO 8601 (UTC unless it says otherwise) or an age such as -7d',
      helpValue: 'INSTANT',
      exclusive: ['full'],
    }),
    until: Flags.string({description: 'read up to here', helpValue: 'INSTANT'}),
    full: Flags.boolean({description: 'read again from the start'}),
    limit: Flags.integer({
      description: 'stop after so many records; a limited run covers nothing',
      helpValue: 'RECORDS',
      min: 1,
    }),
    concurrency: Flags.integer({
      description: 'how many of several jobs run at a time',
      helpValue: 'JOBS',
      default: 1,
      min: 1,
      max: 100,
    }),
    samples: Flags.integer({
      description: 'how many records a dry run shows; 0 shows none, as in a log that others read',
      helpValue: 'RECORDS',
      default: 3,
      min: 0,
      max: 100,
    }),
    refetch: Flags.boolean({description: 'fetch records that are stored already, too'}),
  }

  readonly #runs: RunDocument['runs'][number][] = []

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Run)
    assertModesTakeNoValue(this.argv)
    assertModeIsSet(modeOfFlags(flags))
    assertNodeIsNewEnough()
    const startedAt = new Date()
    const [{readWindowRequest}, {runJobs}, {TerminalReporter}] = await Promise.all([
      import('../run/window-request.ts'),
      import('../run/run-jobs.ts'),
      import('../report/terminal-reporter.ts'),
    ])
    const read = readWindowRequest(flags, startedAt)
    const config = await this.readConfig(flags.config)
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    const results = keepStdoutForResults()
    this.print = results.print
    const wanted = writesProduction(modeOfFlags(flags)) && config.notifications !== undefined
    const notifier = wanted ? (await import('../report/notifier.ts')).createNotifier(config, mask, log) : undefined
    const observer = new TerminalReporter({json: this.jsonEnabled(), mask, documents: this.#runs, print: this.print})
    const stop = listenForSignals(() => observer.runningJobs)
    stop.signal.addEventListener('abort', () => {
      const {message} = asError(stop.signal.reason)
      log.warn(
        `${message}: what is being written now is finished first; another signal, from a second on, ends at once`,
      )
    })
    try {
      const outcomes = await runJobs({
        config,
        commandLine: this.config,
        mode: modeOfFlags(flags),
        samples: flags.samples,
        jobs: args.job,
        account: flags.account,
        concurrency: flags.concurrency,
        read,
        signal: stop.signal,
        log,
        mask,
        observer,
        notifier,
      })
      observer.allFinished(outcomes)
      if (this.jsonEnabled()) this.logJson({schema: 1, runs: this.#runs} satisfies RunDocument)
      if (!this.jsonEnabled() && rowOf(modeOfFlags(flags)).writes !== undefined) stdoutHoldsNoResult()
      // A stop is told even where it came during the last commit: other jobs may not have begun.
      const stopped = stop.signal.aborted ? [outcomeOf(stop.signal.reason)] : []
      // Not by falling off the end: a source that ignored the signal may have left a connection open.
      this.exit(exitCodeOf([...outcomes, ...stopped]))
    } finally {
      stop.close()
      results.release()
    }
  }

  protected override errorDocument(error: ErrorMember): RunDocument {
    return {schema: 1, runs: this.#runs, error}
  }
}

/** Every mode of the table that has a flag, each excluding all others. */
function modeFlags() {
  const flags = MODE_FLAGS.map(({name, description}) => {
    const others = MODE_FLAGS.filter((other) => other.name !== name)
    const flag = Flags.boolean({
      description: `${description} (mutually exclusive with ${listed(others)})`,
      exclusive: others.map((other) => other.name),
      helpGroup: 'MODE',
    })
    return [name, flag] as const
  })
  return Object.fromEntries(flags) as Record<ModeFlag, (typeof flags)[number][1]>
}

function listed(flags: readonly {readonly name: string}[]): string {
  return new Intl.ListFormat('en', {type: 'conjunction'}).format(flags.map(({name}) => `--${name}`))
}

/** oclif would take what follows the = for a job. */
function assertModesTakeNoValue(argv: readonly string[]): void {
  const end = argv.indexOf('--')
  const given = MODE_FLAGS.map(({name}) => `--${name}=`)
  const written = (end === -1 ? argv : argv.slice(0, end)).find((word) => given.some((start) => word.startsWith(start)))
  if (written === undefined) return
  const flag = written.slice(0, written.indexOf('='))
  throw usageError(`${flag} takes no value, but ${written} gives it one`, {
    code: 'E_USAGE_FLAGS',
    next: `Write it on its own: lorchestra run JOB ${flag}`,
  })
}

/** Two parsers read the command line, the init hook's and this command's; they must have read the same. */
function assertModeIsSet(wanted: RunMode): void {
  const found = currentRunMode()
  if (found !== wanted) throw modeError(`the run mode is ${found}, but the flags say ${wanted}`)
}
