import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {usageError} from '../../base/errors.ts'
import {Flags} from '../../base/oclif.ts'
import {TEST_TABLE_FLAG} from '../../model/run-mode.ts'
import {PAST_OUTCOMES} from '../../model/past-outcome.ts'
import type {RunsListDocument} from '../../report/documents/runs-list.ts'

/** Streams that no run has read for longer may be left out where to look for their gaps has a price. */
const GAPS_OF_DAYS = 60

export default class RunsList extends LorchestraCommand {
  static override readonly summary = 'List past runs, from the event log'
  static override readonly description =
    'Newest first, of the production and the test tables together. A dry run leaves no trace, so none is listed.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --job gmail_ingest_acct1 --limit 100 --json',
    '<%= config.bin %> <%= command.id %> --outcome failed --since -7d',
  ]

  static override readonly flags = {
    ...testSetFlag(),
    job: Flags.string({description: 'only runs of this job', helpValue: 'JOB'}),
    mode: Flags.option({options: ['production', TEST_TABLE_FLAG] as const, helpValue: 'MODE'})({
      description: `only runs of this mode: production or ${TEST_TABLE_FLAG}`,
    }),
    outcome: Flags.option({options: PAST_OUTCOMES, helpValue: 'OUTCOME'})({
      description: `only runs that ended like this: ${PAST_OUTCOMES.join(', ')}`,
    }),
    since: Flags.string({
      description:
        'only runs that began at this time or later: ISO 8601 (UTC unless it says otherwise) or an age such as -7d',
      helpValue: 'INSTANT',
    }),
    limit: Flags.integer({description: 'how many runs', helpValue: 'RUNS', default: 20, min: 1, max: 1000}),
  }

  override async run(): Promise<RunsListDocument> {
    const {flags} = await this.parse(RunsList)
    if (flags.mode === 'production' && flags['test-set'] !== undefined)
      throw usageError(
        '--test-set cannot also be provided when using --mode production: the two are mutually exclusive',
        {
          code: 'E_USAGE_FLAGS',
          next: 'Leave one of them out.',
        },
      )
    const [
      {openWarehouse},
      {assertJobIsKnown},
      {listPastRuns},
      {readPast},
      {chartOfDays, formatRuns, pastRunMemberOf},
      {formatGap, gapMemberOf, gapsIn},
    ] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/past-runs.ts'),
      import('../../run/wanted-runs.ts'),
      import('../../run/window-request.ts'),
      import('../../report/past-runs-text.ts'),
      import('../../report/warehouse-text.ts'),
    ])
    const {job, mode, outcome, limit} = flags
    const since = flags.since === undefined ? undefined : readPast('--since', flags.since, new Date())
    const config = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(config.warehouse)
    const newest = await listPastRuns(warehouse, config.warehouse.tables, {job, mode, outcome, since, limit})
    if (newest.length === 0 && flags.job !== undefined) assertJobIsKnown(config, flags.job)
    const narrowed = mode !== undefined || outcome !== undefined || since !== undefined
    if (newest.length === 0)
      this.log(
        `The event log knows of no ${narrowed ? 'such run' : 'run'}${job === undefined ? '' : ` of ${job}`}${narrowed ? '' : ' yet'}.`,
      )
    else this.log(formatRuns(newest, this.screen))
    const chart = chartOfDays(newest, this.screen)
    if (process.stdout.isTTY && chart !== '') this.log(`\n${chart}`)
    const {streams} = await warehouse.describe(
      config.warehouse.tables,
      new Date(Date.now() - GAPS_OF_DAYS * 86_400_000),
    )
    const gaps = gapsIn(streams).filter((gap) => flags.job === undefined || gap.job === flags.job)
    if (gaps.length > 0) this.log(`\n${gaps.map(formatGap).join('\n')}`)
    return {schema: 1, runs: newest.map(pastRunMemberOf), gaps: gaps.map(gapMemberOf)}
  }
}
