import {LorchestraCommand} from '../cli/command.ts'
import type {ErrorMember} from '../base/error-document.ts'
import {EXIT, EXIT_CHANGES, exitCodeOf} from '../base/errors.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {assertModeIsSet, assertModesTakeNoValue, listed, modeFlags, samplesFlag} from '../cli/mode-flags.ts'
import {claimIn} from '../model/claim.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {MODE_FLAGS, modeOfFlags, rowOf} from '../model/run-mode.ts'
import {readTask} from '../model/task.ts'
import {diffFlags, planFlags, planOf, samplesOf} from '../cli/diff-flags.ts'
import {stdoutHoldsNoResult} from '../cli/output-loss.ts'
import {listenForSignals} from '../cli/signals.ts'
import {testSetOfTestTableFlag} from '../cli/test-set-flag.ts'
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
      description: 'See exactly what a plain run would change, before it changes anything',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run --diff',
    },
    {
      description: 'Keep what it would change in a file, for `lorchestra apply`',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run --diff --out mail.lorplan',
    },
    {
      description: 'Write the last seven days into test_event_log and test_raw_objects',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --since -7d --test-table',
    },
    {
      description: 'The same into test tables of one’s own, beside those of others',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --since -7d --test-table --test-set alice',
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
      description: 'Run the share of the fourth of 64 processes',
      command: "<%= config.bin %> <%= command.id %> 'gmail_*' --task 3/64",
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
    ...testSetOfTestTableFlag({helpGroup: 'MODE'}),
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
    task: Flags.string({
      description:
        'one share of the jobs, by account, of several that run elsewhere: I/N, counted from 0; auto takes both from the environment',
      helpValue: 'I/N|auto',
    }),
    samples: samplesFlag(),
    ...diffFlags(),
    ...planFlags(),
    refetch: Flags.boolean({description: 'fetch records that are stored already, too'}),
  }

  readonly #runs: RunDocument['runs'][number][] = []
  #task: RunDocument['task']

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Run)
    assertModesTakeNoValue(this.argv, 'run JOB')
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    const shown = samplesOf(flags)
    const out = planOf(flags)
    assertNodeIsNewEnough()
    const startedAt = new Date()
    const [{readWindowRequest}, {jobsOfTask}, {runReported}, {formatTask, taskMemberOf}] = await Promise.all([
      import('../run/window-request.ts'),
      import('../run/shared-jobs.ts'),
      import('../report/reported-runs.ts'),
      import('../report/task-text.ts'),
    ])
    const read = readWindowRequest(flags, startedAt)
    const task = flags.task === undefined ? undefined : readTask(flags.task, process.env)
    const config = await this.readConfig(flags.config, flags['test-set'])
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    const results = keepStdoutForResults()
    this.print = results.print
    try {
      const shared = task && jobsOfTask(config, task, {jobs: args.job, account: flags.account})
      if (shared !== undefined) {
        this.#task = taskMemberOf(shared)
        if (!this.jsonEnabled()) this.print(`${formatTask(shared)}\n`)
      }
      const outcomes = await runReported({
        config,
        commandLine: this.config,
        mode,
        ...shown,
        out,
        jobs: shared?.jobs ?? args.job,
        account: flags.account,
        concurrency: flags.concurrency,
        read,
        claim: claimIn(process.env),
        log,
        mask,
        json: this.jsonEnabled(),
        keepsRows: flags['diff-samples'] !== undefined,
        documents: this.#runs,
        print: this.print,
        listen: listenForSignals,
      })
      if (this.jsonEnabled()) this.logJson(this.#document())
      if (!this.jsonEnabled() && rowOf(mode).writes !== undefined) stdoutHoldsNoResult()
      // Not by falling off the end: a source that ignored the signal may have left a connection open.
      const code = exitCodeOf(outcomes)
      this.exit(code === EXIT.done && flags['exit-code'] && this.#runs.some(changesAnything) ? EXIT_CHANGES : code)
    } finally {
      results.release()
    }
  }

  #document(): RunDocument {
    return {schema: 1, ...(this.#task !== undefined && {task: this.#task}), runs: this.#runs}
  }

  protected override errorDocument(error: ErrorMember): RunDocument {
    return {...this.#document(), error}
  }
}

function changesAnything(run: RunDocument['runs'][number]): boolean {
  if (!('diff' in run) || run.diff === undefined) return false
  const {insert, update, delete: deleted} = run.diff.counts
  return insert + update + deleted > 0
}
