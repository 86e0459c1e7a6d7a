import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {RejectsListDocument} from '../../report/documents/rejects-list.ts'

export default class RejectsList extends LorchestraCommand {
  static override readonly summary = 'List the records that could not be stored, and why'
  static override readonly description =
    'Those that are open: not stored since, and not read again as a whole by a later run. A run is looked for in the production tables, then in the test tables; of a job, those of the production tables are listed.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d --all',
  ]

  static override readonly args = {
    of: Args.string({
      description: 'id of a run (run_id of --json, correlation_id in event_log), or a job',
      required: true,
    }),
  }

  static override readonly flags = {
    ...testSetFlag(),
    all: Flags.boolean({description: 'those that are closed, too'}),
  }

  override async run(): Promise<RejectsListDocument> {
    const {args, flags} = await this.parse(RejectsList)
    const [{openWarehouse}, {testTablesOf}, {formatRejects}, {findRejects}, {windowAsText}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../model/tables.ts'),
      import('../../report/rejects-text.ts'),
      import('../../report/rejects.ts'),
      import('../../model/window.ts'),
    ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const {tables} = config.warehouse
    const warehouse = await openWarehouse(config.warehouse)
    const found = await findRejects({config, warehouse}, [tables, testTablesOf(tables)], args.of, flags.all)
    if (found.rejects.length > 0) this.log(formatRejects(found.rejects, this.screen))
    else
      this.log(flags.all ? `${args.of} rejected nothing.` : `${args.of} has no open rejects; --all shows closed ones.`)
    return {
      schema: 1,
      run_id: found.job === undefined ? args.of : null,
      job: found.job ?? null,
      rejects: found.rejects.map(({runId, stream, reference, reason, at, open, rejectedIn}) => ({
        run_id: runId,
        source_system: stream.sourceSystem,
        object_type: stream.objectType,
        reference,
        reason,
        at,
        open,
        window: rejectedIn === undefined ? null : windowAsText(rejectedIn.window),
      })),
    }
  }
}
