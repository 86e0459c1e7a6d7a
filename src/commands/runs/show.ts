import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {usageError} from '../../base/errors.ts'
import {Args} from '../../base/oclif.ts'
import type {RunsShowDocument} from '../../report/documents/runs-show.ts'

export default class RunsShow extends LorchestraCommand {
  static override readonly summary = 'Show one past run: what it read, its commits, and why it failed'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d']

  static override readonly args = {
    run: Args.string({description: 'id of a run, as `lorchestra runs list` shows it', required: true}),
  }

  static override readonly flags = {...testSetFlag()}

  override async run(): Promise<RunsShowDocument> {
    const {args, flags} = await this.parse(RunsShow)
    const [{openWarehouse}, {readPastRuns}, {formatRun, pastRunMemberOf}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/past-runs.ts'),
      import('../../report/past-runs-text.ts'),
    ])
    const {warehouse, shownPath} = await this.readConfig(flags.config, flags['test-set'])
    const [run] = await readPastRuns(await openWarehouse(warehouse), warehouse.tables, {runId: args.run, limit: 1})
    if (run === undefined) {
      throw usageError(`there is no run ${JSON.stringify(args.run)} in the warehouse of ${shownPath}`, {
        code: 'E_RUN_UNKNOWN',
        next: '`lorchestra runs list` names them. A dry run leaves no trace.',
      })
    }
    this.log(formatRun(run))
    return {schema: 1, run: pastRunMemberOf(run)}
  }
}
