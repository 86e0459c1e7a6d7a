import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {Args} from '../../base/oclif.ts'
import type {RunsShowDocument} from '../../report/documents/runs-show.ts'

export default class RunsShow extends LorchestraCommand {
  static override readonly summary = 'Show one past run: what it read, its commits, and why it failed'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> latest',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d',
    {description: 'By the end of its id', command: '<%= config.bin %> <%= command.id %> 0a1b2c3d'},
  ]

  static override readonly args = {
    run: Args.string({
      description: 'id of a run, its beginning or its end; a job: the newest run of it; latest: the newest of all',
      required: true,
    }),
  }

  static override readonly flags = {...testSetFlag()}

  override async run(): Promise<RunsShowDocument> {
    const {args, flags} = await this.parse(RunsShow)
    const [{openWarehouse}, {findPastRun}, {formatRun, pastRunMemberOf}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/wanted-runs.ts'),
      import('../../report/past-runs-text.ts'),
    ])
    const {warehouse, shownPath} = await this.readConfig(flags.config, flags['test-set'])
    const run = await findPastRun(await openWarehouse(warehouse), warehouse.tables, {name: args.run, shownPath})
    this.log(formatRun(run, this.screen))
    return {schema: 1, run: pastRunMemberOf(run)}
  }
}
