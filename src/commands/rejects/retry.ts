import {LorchestraCommand} from '../../cli/command.ts'
import type {ErrorMember} from '../../base/error-document.ts'
import {exitCodeOf} from '../../base/errors.ts'
import {createLogger} from '../../base/log.ts'
import {assertNodeIsNewEnough} from '../../base/node-version.ts'
import {Args} from '../../base/oclif.ts'
import {assertModeIsSet, assertModesTakeNoValue, modeFlags, samplesFlag} from '../../cli/mode-flags.ts'
import {claimIn} from '../../model/claim.ts'
import {diffFlags, samplesOf} from '../../cli/diff-flags.ts'
import {keepStdoutForResults} from '../../cli/results-output.ts'
import {listenForSignals} from '../../cli/signals.ts'
import {testSetOfTestTableFlag} from '../../cli/test-set-flag.ts'
import {modeOfFlags, tablesOfMode} from '../../model/run-mode.ts'
import type {RejectsRetryDocument} from '../../report/documents/rejects-retry.ts'

export default class RejectsRetry extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Fetch rejected records again, after what was wrong with them was cured'
  static override readonly description =
    'Reads again, as any run of the job, the windows in which open rejects were met, with all that lies in them. Looks for them in the tables that the mode reads: those of test runs are retried with --test-table.'
  static override readonly examples = [
    {
      description: 'Read again what the runs of a job could not store',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    },
    {
      description: 'Look first whether the records of one run would come through by now',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d --dry-run',
    },
  ]

  static override readonly args = {
    of: Args.string({
      description: 'id of a run (run_id of --json, correlation_id in event_log), or a job',
      required: true,
    }),
  }

  static override readonly flags = {
    ...modeFlags(),
    ...testSetOfTestTableFlag({helpGroup: 'MODE'}),
    samples: samplesFlag(),
    ...diffFlags(),
  }

  readonly #runs: RejectsRetryDocument['runs'][number][] = []
  #job: string | null = null
  #rejects = 0

  override async run(): Promise<RejectsRetryDocument | undefined> {
    const {args, flags} = await this.parse(RejectsRetry)
    assertModesTakeNoValue(this.argv, 'rejects retry JOB')
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    assertNodeIsNewEnough()
    const [{openWarehouse}, {findRejects}, {ofItsAccount, retryOf}, {runReported}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../report/rejects.ts'),
      import('../../run/retry.ts'),
      import('../../report/reported-runs.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(config.warehouse)
    const {read: tables} = tablesOfMode(mode, config.warehouse.tables)
    const found = await findRejects({config, warehouse}, [tables], args.of, {closedToo: false})
    const rejects = found.job === undefined ? found.rejects : ofItsAccount(config, found.job, found.rejects)
    if (rejects.length === 0) {
      this.log(`${args.of} has no open rejects, so there is nothing to read again.`)
      return this.#document()
    }
    const {job, account, read} = retryOf(config, rejects)
    this.#job = job
    this.#rejects = rejects.length
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    const results = keepStdoutForResults()
    this.print = results.print
    try {
      const outcomes = await runReported({
        config,
        commandLine: this.config,
        mode,
        ...samplesOf(flags),
        jobs: [job],
        account,
        concurrency: 1,
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
      return this.exit(exitCodeOf(outcomes))
    } finally {
      results.release()
    }
  }

  #document(): RejectsRetryDocument {
    return {schema: 1, job: this.#job, rejects: this.#rejects, runs: this.#runs}
  }

  protected override errorDocument(error: ErrorMember): RejectsRetryDocument {
    return {...this.#document(), error}
  }
}
