import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import {assertModeIsSet, assertModesTakeNoValue, dryRunFlag} from '../../cli/mode-flags.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {modeOfCommand} from '../../model/run-mode.ts'
import type {TestSeedDocument} from '../../report/documents/test-seed.ts'

export default class TestSeed extends LorchestraCommand {
  /** The init hook reads both, and sets the mode that writes these tables, or nothing. */
  static readonly runsJobs = true
  static readonly writes = 'test'
  static override readonly summary = 'Fill the test tables with production’s rows of a job'
  static override readonly description =
    'And with what is covered of them, so that the next run with --test-table reads what a run in production would read, and meets the rows that it would change. Production is only read. Refused where the test tables hold anything of the job already.'
  static override readonly examples = [
    {
      description: 'See first how many rows that are, and what it bills where reading is billed',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run',
    },
    {
      description: 'Into a set of test tables of one’s own',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --test-set alice',
    },
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    ...dryRunFlag('say what would be copied, and copy nothing'),
    ...testSetFlag(),
  }

  override async run(): Promise<TestSeedDocument> {
    const {args, flags} = await this.parse(TestSeed)
    assertModesTakeNoValue(this.argv, 'test seed JOB')
    const mode = modeOfCommand(flags, TestSeed.writes)
    assertModeIsSet(mode)
    const [{seedJob}, {testTablesRequest}, {formatSeed, formatSeedEstimate, seedDocumentOf}] = await Promise.all([
      import('../../run/seed-job.ts'),
      import('../../run/test-tables-request.ts'),
      import('../../report/seed-text.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const request = await testTablesRequest(
      {config, commandLine: this.config, mask: this.mask, logLevel: flags['log-level']},
      {job: args.job, diffSamples: 0},
    )
    const report = await seedJob({
      ...request,
      mode,
      maskSecrets: this.mask.apply,
      estimated: ({bytes}) => {
        if (bytes !== undefined) this.logToStderr(formatSeedEstimate(bytes))
      },
    })
    this.log(formatSeed(args.job, report, request))
    return seedDocumentOf(args.job, report, request)
  }
}
