import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import type {WarehouseShowDocument} from '../../report/documents/warehouse-show.ts'

export default class WarehouseShow extends LorchestraCommand {
  static override readonly summary = 'Show the tables, and how far each stream is covered'
  static override readonly description = 'Production and test tables. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --json',
  ]

  static override readonly flags = {...testSetFlag()}

  override async run(): Promise<WarehouseShowDocument> {
    const {flags} = await this.parse(WarehouseShow)
    const [{kindOf}, {openWarehouse}, {testTablesOf}, {tableSetMemberOf, formatDescription}] = await Promise.all([
      import('../../warehouse/kinds.ts'),
      import('../../warehouse/open-warehouse.ts'),
      import('../../model/tables.ts'),
      import('../../report/warehouse-text.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(settings)
    const production = await warehouse.describe(settings.tables)
    const test = await warehouse.describe(testTablesOf(settings.tables))
    this.log(formatDescription(production, this.screen))
    this.log(`\n${formatDescription(test, this.screen)}`)
    return {
      schema: 1,
      warehouse: kindOf(settings).name,
      production: tableSetMemberOf(production),
      test_table: tableSetMemberOf(test),
    }
  }
}
