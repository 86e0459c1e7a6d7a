import {resolve} from 'node:path'
import {pathToFileURL} from 'node:url'

import {Flags} from '../base/oclif.ts'
import {LorchestraCommand} from '../cli/command.ts'
import {testSetFlag} from '../cli/test-set-flag.ts'
import {TEST_TABLE_FLAG} from '../model/run-mode.ts'
import type {ReportDocument} from '../report/documents/report.ts'

export default class Report extends LorchestraCommand {
  static override readonly summary = 'Write a page to look at: coverage, runs, rejects, drift'
  static override readonly description =
    'One HTML file that needs no network and runs no script, for its owner alone: how far streams are covered and where there are gaps, what runs did and how long they took, why records are rejected, how shapes changed, what was billed, and what `run --dry-run --diff` and `test compare` found last of each job on this machine. It holds no payload unless --diff-samples asks for some. Nothing is written to the warehouse.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> --open',
    '<%= config.bin %> <%= command.id %> --out /srv/reports/ingestion.html --limit 500',
    {
      description: 'With what a plan would do, and test tables beside production',
      command: '<%= config.bin %> <%= command.id %> --plan mail.lorplan --compare gmail_ingest_acct1 --diff-samples 3',
    },
  ]

  static override readonly flags = {
    [TEST_TABLE_FLAG]: Flags.boolean({description: 'of the test tables, instead of production'}),
    ...testSetFlag(),
    out: Flags.string({
      description: 'the file to write; an earlier page is replaced, and no other file',
      helpValue: 'FILE',
      default: 'lorchestra-report.html',
    }),
    open: Flags.boolean({description: 'show it in the browser'}),
    limit: Flags.integer({
      description: 'how many runs, the newest',
      helpValue: 'RUNS',
      default: 200,
      min: 1,
      max: 1000,
    }),
    plan: Flags.string({description: 'show the diff that this plan holds, too', helpValue: 'FILE'}),
    compare: Flags.string({
      description: 'compare the test tables of this job with production now; may be given several times',
      helpValue: 'JOB',
      multiple: true,
    }),
    'diff-samples': Flags.integer({
      description: 'how many rows of each kind its diffs and comparisons show, with their values; left out: none',
      helpValue: 'ROWS',
      default: 0,
      min: 0,
      max: 1000,
    }),
  }

  override async run(): Promise<ReportDocument> {
    const {flags} = await this.parse(Report)
    const [
      {kindOf},
      {openWarehouse},
      {setNameOf, testTablesOf},
      {readReport},
      {readDifferences},
      {assertNoOtherFile, writeReport},
    ] = await Promise.all([
      import('../warehouse/kinds.ts'),
      import('../warehouse/open-warehouse.ts'),
      import('../model/tables.ts'),
      import('../report/read-report.ts'),
      import('../report/asked-differences.ts'),
      import('../report/page/write-report.ts'),
    ])
    const file = resolve(flags.out)
    await assertNoOtherFile(file)
    const config = await this.readConfig(flags.config, flags['test-set'])
    const {warehouse: settings} = config
    const tables = flags[TEST_TABLE_FLAG] ? testTablesOf(settings.tables) : settings.tables
    const differences = await readDifferences({
      config,
      commandLine: this.config,
      mask: this.mask,
      logLevel: flags['log-level'],
      plan: flags.plan,
      compare: flags.compare ?? [],
      diffSamples: flags['diff-samples'],
    })
    const warehouse = await openWarehouse(settings)
    const report: ReportDocument = {
      schema: 1,
      file,
      generated_at: new Date().toISOString(),
      warehouse: kindOf(settings).name,
      tables: {event_log: tables.eventLog, raw_objects: tables.rawObjects},
      test_tables: setNameOf(tables) === 'test',
      ...(await readReport(warehouse, tables, flags.limit)),
      ...differences,
      bytes_billed: warehouse.bytesBilled ?? null,
    }
    await writeReport(report, this.mask.apply)
    this.log(`Wrote ${file}`)
    if (flags.open) await (await import('../cli/browser.ts')).openBrowser(pathToFileURL(file))
    return report
  }
}
