import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {Flags} from '../../base/oclif.ts'
import type {RunsListDocument} from '../../report/documents/runs-list.ts'

export default class RunsList extends LorchestraCommand {
  static override readonly summary = 'List past runs, from the event log'
  static override readonly description =
    'Newest first, of the production and the test tables together. A dry run leaves no trace, so none is listed.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --job gmail_ingest_acct1 --limit 100 --json',
  ]

  static override readonly flags = {
    ...testSetFlag(),
    job: Flags.string({description: 'only runs of this job', helpValue: 'JOB'}),
    limit: Flags.integer({description: 'how many runs', helpValue: 'RUNS', default: 20, min: 1, max: 1000}),
  }

  override async run(): Promise<RunsListDocument> {
    const {flags} = await this.parse(RunsList)
    const [
      {openWarehouse},
      {assertJobIsKnown, readPastRuns},
      {chartOfDays, formatRuns, pastRunMemberOf},
      {formatGap, gapMemberOf, gapsIn},
    ] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/past-runs.ts'),
      import('../../report/past-runs-text.ts'),
      import('../../report/warehouse-text.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(config.warehouse)
    const runs = await readPastRuns(warehouse, config.warehouse.tables, {
      limit: flags.limit,
      ...(flags.job !== undefined && {job: flags.job}),
    })
    const newest = runs.slice(0, flags.limit)
    if (newest.length === 0 && flags.job !== undefined) assertJobIsKnown(config, flags.job)
    if (newest.length === 0)
      this.log(`The event log knows of no run${flags.job === undefined ? '' : ` of ${flags.job}`} yet.`)
    else this.log(formatRuns(newest))
    const chart = chartOfDays(newest)
    if (process.stdout.isTTY && chart !== '') this.log(`\n${chart}`)
    const {streams} = await warehouse.describe(config.warehouse.tables)
    const gaps = gapsIn(streams).filter(({job}) => flags.job === undefined || job === flags.job)
    if (gaps.length > 0) this.log(`\n${gaps.map(formatGap).join('\n')}`)
    return {schema: 1, runs: newest.map(pastRunMemberOf), gaps: gaps.map(gapMemberOf)}
  }
}
