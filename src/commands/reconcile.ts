import {LorchestraCommand} from '../cli/command.ts'
import {EXIT, EXIT_CHANGES} from '../base/errors.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {assertModeIsSet, assertModesTakeNoValue, dryRunFlag} from '../cli/mode-flags.ts'
import {percentIn} from '../cli/percent.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {listenForSignals} from '../cli/signals.ts'
import {modeOfFlags} from '../model/run-mode.ts'

export default class Reconcile extends LorchestraCommand {
  /** The init hook reads both, and sets the run mode where something is to be written. */
  static readonly runsJobs = true
  static readonly writesWith = 'write'
  static override readonly summary = 'Compare the keys that exist at the source with those that are stored'
  static override readonly description =
    'Lists all keys of a job, where its source can, and names those that are stored and gone at the source, and those that exist and are not stored. Refused where the job selects some records alone: what is not listed may then still exist. Nothing is written without --write; with it, all keys are listed twice, and what is gone in both lists is logged as deleted (object.deleted), in one commit. Rows stay.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> dataverse_ingest_contacts',
    '<%= config.bin %> <%= command.id %> dataverse_ingest_contacts --exit-code --json',
    {
      description: 'Mark what is gone as deleted, but look first what would be marked',
      command: '<%= config.bin %> <%= command.id %> dataverse_ingest_contacts --write --dry-run',
    },
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    'exit-code': Flags.boolean({
      description: `exit with ${EXIT_CHANGES} where keys differ, other than by a deletion that is logged already`,
    }),
    write: Flags.boolean({description: 'log what is gone as deleted, in production; rows stay'}),
    'max-deleted': Flags.string({
      description: 'log nothing where more of the rows that are not logged as deleted are gone',
      helpValue: 'PERCENT',
      default: '5%',
    }),
    ...dryRunFlag('list twice and say what would be logged, but write nothing', {dependsOn: ['write']}),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Reconcile)
    assertNodeIsNewEnough()
    assertModesTakeNoValue(this.argv, 'reconcile JOB --write')
    const mode = modeOfFlags(flags)
    if (flags.write) assertModeIsSet(mode)
    const maxDeleted = percentIn(flags['max-deleted'], 'max-deleted')
    const [{deletionsToLog, reconcileRequest}, {reconcileJob}, {logDeletions}, report] = await Promise.all([
      import('../run/reconcile-request.ts'),
      import('../run/reconcile-job.ts'),
      import('../run/log-deletions.ts'),
      import('../report/reconcile-text.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    const results = keepStdoutForResults()
    this.print = results.print
    const stop = listenForSignals(() => args.job, 'Nothing was written.')
    try {
      const question = {config, commandLine: this.config, log, mask, signal: stop.signal}
      const request = await reconcileRequest(question, args.job)
      const found = flags.write
        ? await logDeletions(deletionsToLog(request, {mode, maxDeleted}))
        : await reconcileJob(request)
      if (this.jsonEnabled()) this.logJson(report.reconcileDocumentOf(found, request))
      else this.print(mask.apply(`${report.formatReconciled(found, request, mask.apply)}\n`))
      stop.close()
      // Not by falling off the end: a source that ignored the signal may have left a connection open.
      this.exit(flags['exit-code'] ? report.exitCodeOfDifference(found, request) : EXIT.done)
    } finally {
      stop.close()
      results.release()
    }
  }
}
