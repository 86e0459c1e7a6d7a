import {LorchestraCommand} from '../cli/command.ts'
import {EXIT, EXIT_CHANGES} from '../base/errors.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {listenForSignals} from '../cli/signals.ts'

export default class Reconcile extends LorchestraCommand {
  static override readonly summary = 'Compare the keys that exist at the source with those that are stored'
  static override readonly description =
    'Lists all keys of a job, where its source can, and names those that are stored and gone at the source, and those that exist and are not stored. Nothing is written. Refused where the job selects some records alone: what is not listed may then still exist.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> dataverse_ingest_contacts',
    '<%= config.bin %> <%= command.id %> dataverse_ingest_contacts --exit-code --json',
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    'exit-code': Flags.boolean({description: `exit with ${EXIT_CHANGES} where keys differ`}),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Reconcile)
    assertNodeIsNewEnough()
    const [{reconcileRequest}, {reconcileJob}, report] = await Promise.all([
      import('../run/reconcile-request.ts'),
      import('../run/reconcile-job.ts'),
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
      const compared = await reconcileJob(request)
      if (this.jsonEnabled()) this.logJson(report.reconcileDocumentOf(compared, request))
      else this.print(mask.apply(`${report.formatReconciled(compared, request, mask.apply)}\n`))
      stop.close()
      // Not by falling off the end: a source that ignored the signal may have left a connection open.
      this.exit(flags['exit-code'] ? report.exitCodeOfDifference(compared, request) : EXIT.done)
    } finally {
      stop.close()
      results.release()
    }
  }
}
