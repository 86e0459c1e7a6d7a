import {LorchestraCommand} from '../cli/command.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {listenForSignals} from '../cli/signals.ts'

/** They are held in memory. */
const MOST_RECORDS = 10_000

export default class Verify extends LorchestraCommand {
  static override readonly summary = 'Read some records twice and tell whether they are the same'
  static override readonly description =
    'Finds fields that are others at each reading, and keys that are not always the same, before production is full of them. Nothing is written, and no warehouse is opened. Exits with 0 where nothing differs, 3 where fields do, 1 where keys do.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --since -7d --limit 1000',
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    limit: Flags.integer({
      description: 'compare so many records, the first ones that are read',
      helpValue: 'RECORDS',
      default: 50,
      min: 1,
      max: MOST_RECORDS,
    }),
    since: Flags.string({
      description: 'read from here on: ISO 8601 (UTC unless it says otherwise) or an age such as -7d',
      helpValue: 'INSTANT',
    }),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Verify)
    assertNodeIsNewEnough()
    const [{readWindowRequest}, {verifyRequest}, {verifyJob}, report] = await Promise.all([
      import('../run/window-request.ts'),
      import('../run/verify-request.ts'),
      import('../run/verify-job.ts'),
      import('../report/verify-text.ts'),
    ])
    const {request, notes} = readWindowRequest({...flags, full: false, refetch: true}, new Date())
    const config = await this.readConfig(flags.config)
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    for (const note of notes) log.warn(note)
    const results = keepStdoutForResults()
    this.print = results.print
    const stop = listenForSignals(() => args.job, 'Nothing was written.')
    try {
      const question = {config, commandLine: this.config, log, mask, signal: stop.signal}
      const asked = {job: args.job, limit: flags.limit, since: request.since}
      const found = await verifyJob(await verifyRequest(question, asked))
      if (this.jsonEnabled()) this.logJson(report.verifyDocumentOf(args.job, found))
      else this.print(mask.apply(`${report.formatVerification(args.job, found, mask.apply)}\n`))
      stop.close()
      // Not by falling off the end: a source that ignored the signal may have left a connection open.
      this.exit(report.exitCodeOfVerdict(found))
    } finally {
      stop.close()
      results.release()
    }
  }
}
