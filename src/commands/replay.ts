import {LorchestraCommand} from '../cli/command.ts'
import {createLogger} from '../base/log.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {percentIn} from '../cli/percent.ts'
import {keepStdoutForResults} from '../cli/results-output.ts'
import {listenForSignals} from '../cli/signals.ts'

export default class Replay extends LorchestraCommand {
  static override readonly summary = 'Tell which keys the installed source gives to the records that are stored'
  static override readonly description =
    'Has the source key all stored payloads of a job anew, before a new version of it stores them a second time: rows with the same key, with another one, of which several would become one, and those whose payload has no key. The service is not contacted, and nothing is written. Where reading is billed, its price is told before. Exits with 0 where all keys are the same, 1 otherwise.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    {
      description: 'Look at about one row in a hundred, which proves nothing about the others',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --sample 1%',
    },
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    sample: Flags.string({description: 'look at about so many of the rows', helpValue: 'PERCENT'}),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Replay)
    assertNodeIsNewEnough()
    const samplePercent = flags.sample === undefined ? undefined : percentIn(flags.sample, 'sample')
    const [{kindOf}, {replayRequest}, {replayJob}, report, {formatBytes}] = await Promise.all([
      import('../warehouse/kinds.ts'),
      import('../run/replay-request.ts'),
      import('../run/replay-job.ts'),
      import('../report/replay-text.ts'),
      import('../report/bytes-text.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const {name} = kindOf(config.warehouse)
    const {mask} = this
    const log = await createLogger(flags['log-level'], mask)
    const results = keepStdoutForResults()
    this.print = results.print
    const stop = listenForSignals(() => args.job, 'Nothing was written.')
    try {
      const request = await replayRequest(
        {config, commandLine: this.config, log, mask, signal: stop.signal},
        {
          job: args.job,
          samplePercent,
          priced: (bytes) => this.logToStderr(`${name} estimates that this reads ${formatBytes(bytes)}.`),
        },
      )
      const found = await replayJob(request)
      const {bytesBilled} = request.warehouse
      if (bytesBilled !== undefined) this.logToStderr(`${name} billed ${formatBytes(bytesBilled)}.`)
      if (this.jsonEnabled()) this.logJson(report.replayDocumentOf(args.job, found, bytesBilled))
      else this.print(mask.apply(`${report.formatReplay(args.job, found, mask.apply)}\n`))
      stop.close()
      // Not by falling off the end: what else runs in the box may have left something open.
      this.exit(report.exitCodeOfReplay(found))
    } finally {
      stop.close()
      results.release()
    }
  }
}
