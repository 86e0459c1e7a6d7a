import {LorchestraCommand} from '../../cli/command.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {ViewsCreateDocument} from '../../report/documents/views.ts'

export default class ViewsCreate extends LorchestraCommand {
  static override readonly summary = 'Create a view of the records of a job in the warehouse, or renew it'
  static override readonly description =
    'Each stream has one, called after it: notes--acct1/note is notes__acct1_note. A table, and a view that somebody else made, is left as it is. Runs never touch views; create it again when the schema has changed.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --name mail',
  ]
  static override readonly args = {job: Args.string({description: 'job of lorchestra.yaml', required: true})}
  static override readonly flags = {
    name: Flags.string({description: 'what the view of the one stream is called', helpValue: 'NAME'}),
  }

  override async run(): Promise<ViewsCreateDocument> {
    const {args, flags} = await this.parse(ViewsCreate)
    const [{kindOf}, {openWarehouse, outsideOfRuns}, {viewsOfJob}] = await Promise.all([
      import('../../warehouse/kinds.ts'),
      import('../../warehouse/open-warehouse.ts'),
      import('../../report/job-views.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const warehouse = await openWarehouse(config.warehouse, {...outsideOfRuns(), writes: 'production'})
    const made: ViewsCreateDocument['views'][number][] = []
    for (const {name, scope, columns, sql} of await viewsOfJob(warehouse, config, args.job, {name: flags.name})) {
      const replaced = await warehouse.createView(name, sql.select)
      this.log(`${name}: ${replaced ? 'replaced' : 'created'}, ${columns.length} columns of records`)
      const {sourceSystem, objectType} = scope.stream
      made.push({name, source_system: sourceSystem, object_type: objectType, columns, replaced})
    }
    return {schema: 1, job: args.job, warehouse: kindOf(config.warehouse).name, views: made}
  }
}
