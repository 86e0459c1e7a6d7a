import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import type {ViewsPrintDocument} from '../../report/documents/views.ts'

export default class ViewsPrint extends LorchestraCommand {
  static override readonly summary = 'Print the SQL of a view of the records of a job, with a column for each member'
  static override readonly description =
    'The columns and their types are those of `lorchestra schema show`: members down to three levels, joined by __; lists, maps and values of several types stay JSON. Nothing is written.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> gmail_ingest_acct1 > view.sql']
  static override readonly args = {job: Args.string({description: 'job of lorchestra.yaml', required: true})}

  override async run(): Promise<ViewsPrintDocument> {
    const {args, flags} = await this.parse(ViewsPrint)
    const [{kindOf}, {openWarehouse}, {viewsOfJob}] = await Promise.all([
      import('../../warehouse/kinds.ts'),
      import('../../warehouse/open-warehouse.ts'),
      import('../../report/job-views.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const views = await viewsOfJob(await openWarehouse(config.warehouse), config, args.job)
    this.log(views.map(({name, sql}) => `-- ${name}\n${sql.select};`).join('\n\n'))
    return {
      schema: 1,
      job: args.job,
      warehouse: kindOf(config.warehouse).name,
      views: views.map(({name, scope, columns, sql}) => ({
        name,
        source_system: scope.stream.sourceSystem,
        object_type: scope.stream.objectType,
        columns,
        sql: sql.select,
      })),
    }
  }
}
