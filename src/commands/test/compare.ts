import {LorchestraCommand} from '../../cli/command.ts'
import {EXIT_CHANGES} from '../../base/errors.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {rowsShownFlag, ROWS_SHOWN} from '../../cli/diff-flags.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import type {TestCompareDocument} from '../../report/documents/test-compare.ts'

export default class TestCompare extends LorchestraCommand {
  static override readonly summary = 'Compare what test runs of a job have stored with production'
  static override readonly description =
    'Rows that are new, changed or the same, where the changed ones change, and how far both are covered. Nothing is written.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> gmail_ingest_acct1']

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    ...testSetFlag(),
    'diff-samples': rowsShownFlag(),
    'exit-code': Flags.boolean({description: `exit with ${EXIT_CHANGES} where rows are new or changed`}),
  }

  override async run(): Promise<TestCompareDocument | undefined> {
    const {args, flags} = await this.parse(TestCompare)
    const [
      {createLogger},
      {readTestTables},
      {testTablesRequest},
      {formatComparison, comparisonDocumentOf},
      {keepComparison},
    ] = await Promise.all([
      import('../../base/log.ts'),
      import('../../run/test-tables.ts'),
      import('../../run/test-tables-request.ts'),
      import('../../report/test-tables-text.ts'),
      import('../../report/kept-differences.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const request = await testTablesRequest(
      {config, commandLine: this.config, mask: this.mask, logLevel: flags['log-level']},
      {job: args.job, diffSamples: flags['diff-samples'] ?? ROWS_SHOWN},
    )
    const state = await readTestTables(request)
    this.log(formatComparison(state, request, this.mask.apply))
    const document = comparisonDocumentOf(args.job, state, request, this.mask.apply)
    await keepComparison(
      {dataDir: this.config.dataDir, configPath: config.path},
      {job: args.job, testSet: config.warehouse.tables.testSet, comparison: document.comparison},
      {withRows: flags['diff-samples'] !== undefined, log: await createLogger(flags['log-level'], this.mask)},
    )
    const {insert, update, newer} = state.diff.counts
    if (!flags['exit-code'] || insert + update + newer === 0) return document
    if (this.jsonEnabled()) this.logJson(document)
    return this.exit(EXIT_CHANGES)
  }
}
