import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {RejectsListDocument} from '../../report/documents/rejects-list.ts'

const SHOWN_DAYS = 90

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
    since: Flags.string({
      description: `of a job: only those of this time or later, ISO 8601 or an age such as -7d; left out: all, or those of ${SHOWN_DAYS} days where reading the event log has a price`,
      helpValue: 'INSTANT',
    }),
  }

  override async run(): Promise<RejectsListDocument> {
    const {args, flags} = await this.parse(RejectsList)
    const [{openWarehouse}, {testTablesOf}, {formatRejects}, {findRejects}, {windowAsText}, {readPast}] =
      await Promise.all([
        import('../../warehouse/open-warehouse.ts'),
        import('../../model/tables.ts'),
        import('../../report/rejects-text.ts'),
        import('../../report/rejects.ts'),
        import('../../model/window.ts'),
        import('../../run/window-request.ts'),
      ])
    const config = await this.readConfig(flags.config, flags['test-set'])
    const {tables} = config.warehouse
    const warehouse = await openWarehouse(config.warehouse)
    const now = new Date()
    const bounded = warehouse.bytesBilled === undefined ? undefined : now.getTime() - SHOWN_DAYS * 86_400_000
    const since = flags.since === undefined ? bounded : readPast('--since', flags.since, now)
    const wanted = {closedToo: flags.all, ...(since !== undefined && {since})}
    const found = await findRejects({config, warehouse}, [tables, testTablesOf(tables)], args.of, wanted)
    const lookedBackTo = found.job === undefined ? undefined : since
    if (found.rejects.length > 0) this.log(formatRejects(found.rejects, this.screen))
    else
      this.log(flags.all ? `${args.of} rejected nothing.` : `${args.of} has no open rejects; --all shows closed ones.`)
    if (lookedBackTo !== undefined)
      this.log(`Looked at since ${new Date(lookedBackTo).toISOString()}; --since -400d looks further back.`)
    return {
      schema: 1,
      run_id: found.job === undefined ? args.of : null,
      job: found.job ?? null,
      since: lookedBackTo === undefined ? null : new Date(lookedBackTo).toISOString(),
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
