import {LorchestraCommand} from '../../cli/command.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {rowsShownFlag, ROWS_SHOWN} from '../../cli/diff-flags.ts'
import {assertModeIsSet, dryRunFlag} from '../../cli/mode-flags.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {modeOfFlags} from '../../model/run-mode.ts'
import type {TestPromoteDocument} from '../../report/documents/test-promote.ts'

export default class TestPromote extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Make production’s what test runs of a job have stored, without reading it again'
  static override readonly description =
    'Rows, the time that is covered, rejects and deletions, in one transaction. Refused, with the reason, where it would not be what runs in production had done.'
  static override readonly examples = [
    {
      description: 'See first what would become of production',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --dry-run',
    },
    {description: 'Make it so', command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1'},
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    ...testSetFlag(),
    ...dryRunFlag('say what would be written, and write nothing'),
    changed: Flags.option({options: ['refuse', 'skip'] as const, default: 'refuse' as const})({
      description:
        'what becomes of rows with another value, where production was written to since the test run began: nothing is written at all, or they stay as production has them',
    }),
    'diff-samples': rowsShownFlag(),
  }

  override async run(): Promise<TestPromoteDocument> {
    const {args, flags} = await this.parse(TestPromote)
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    const [{promoteJob}, {testTablesRequest}, {formatPromotion, promotionDocumentOf}] = await Promise.all([
      import('../../run/promote-job.ts'),
      import('../../run/test-tables-request.ts'),
      import('../../report/test-tables-text.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const request = await testTablesRequest(
      {config, commandLine: this.config, mask: this.mask, logLevel: flags['log-level']},
      {job: args.job, diffSamples: flags['diff-samples'] ?? ROWS_SHOWN},
    )
    const report = await promoteJob({...request, mode, changed: flags.changed, maskSecrets: this.mask.apply})
    this.log(formatPromotion(args.job, report, request, this.mask.apply))
    return promotionDocumentOf(args.job, report, request, this.mask.apply)
  }
}
