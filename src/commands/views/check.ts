import {LorchestraCommand} from '../../cli/command.ts'
import {exitCodeOf} from '../../base/errors.ts'
import {Args} from '../../base/oclif.ts'
import type {ViewsCheckDocument} from '../../report/documents/views.ts'

export default class ViewsCheck extends LorchestraCommand {
  static override readonly summary = 'Count the values that a view of the records of a job would lose'
  static override readonly description =
    'A value is lost where it is there and its column says NULL or another number: stored before the log knew its type, say. Reads all payloads of the streams. Ends with 3 where any is lost.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> gmail_ingest_acct1']
  static override readonly args = {job: Args.string({description: 'job of lorchestra.yaml', required: true})}

  override async run(): Promise<ViewsCheckDocument> {
    const {args, flags} = await this.parse(ViewsCheck)
    const [{kindOf}, {openWarehouse}, {lostValues, viewsOfJob}, {formatBytes}] = await Promise.all([
      import('../../warehouse/kinds.ts'),
      import('../../warehouse/open-warehouse.ts'),
      import('../../report/job-views.ts'),
      import('../../report/bytes-text.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const warehouse = await openWarehouse(config.warehouse)
    const kind = kindOf(config.warehouse).name
    const priced = (bytes: number): void => this.logToStderr(`${kind} estimates that this reads ${formatBytes(bytes)}.`)
    const checked: ViewsCheckDocument['views'][number][] = []
    for (const view of await viewsOfJob(warehouse, config, args.job)) {
      const columns = await lostValues(warehouse, view, priced)
      const losing = columns.filter(({lost}) => lost > 0)
      if (losing.length === 0) this.log(`${view.name}: nothing is lost`)
      for (const {column, lost} of losing)
        this.log(`${view.name}.${column.name}: ${lost} values are lost (${column.type})`)
      const {sourceSystem, objectType} = view.scope.stream
      checked.push({
        name: view.name,
        source_system: sourceSystem,
        object_type: objectType,
        columns: columns.map(({column, lost}) => ({...column, lost})),
      })
    }
    const lost = checked.some(({columns}) => columns.some((column) => column.lost > 0))
    const document: ViewsCheckDocument = {schema: 1, job: args.job, warehouse: kind, views: checked}
    if (!lost) return document
    if (this.jsonEnabled()) this.logJson(document)
    return this.exit(exitCodeOf(['rejects']))
  }
}
