import {LorchestraCommand} from '../../cli/command.ts'
import {usageError} from '../../base/errors.ts'
import {Args} from '../../base/oclif.ts'
import type {RejectsListDocument} from '../../report/documents/rejects-list.ts'

export default class RejectsList extends LorchestraCommand {
  static override readonly summary = 'List the records that a run could not store, and why'
  static override readonly description = 'Looks for the run in the production tables, then in the test tables.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d']

  static override readonly args = {
    run: Args.string({description: 'id of a run: run_id of --json, correlation_id in event_log', required: true}),
  }

  override async run(): Promise<RejectsListDocument> {
    const {args, flags} = await this.parse(RejectsList)
    const [{openWarehouse}, {testTablesOf}, {formatRejects}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../model/tables.ts'),
      import('../../report/rejects-text.ts'),
    ])
    const {warehouse: settings, shownPath} = await this.readConfig(flags.config)
    const warehouse = await openWarehouse(settings)
    const rejects =
      (await warehouse.readRejects(settings.tables, args.run)) ??
      (await warehouse.readRejects(testTablesOf(settings.tables), args.run))
    if (rejects === undefined) {
      throw usageError(`there is no run ${JSON.stringify(args.run)} in the warehouse of ${shownPath}`, {
        code: 'E_RUN_UNKNOWN',
        next: 'The summary of `lorchestra run --json` and the column correlation_id of event_log name runs.',
      })
    }
    if (rejects.length === 0) this.log(`${args.run} rejected nothing.`)
    else this.log(formatRejects(rejects))
    return {
      schema: 1,
      run_id: args.run,
      rejects: rejects.map(({stream, reference, reason, at}) => ({
        source_system: stream.sourceSystem,
        object_type: stream.objectType,
        reference,
        reason,
        at,
      })),
    }
  }
}
