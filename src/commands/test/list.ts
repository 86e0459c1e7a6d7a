import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import type {TestListDocument} from '../../report/documents/test-list.ts'

export default class TestList extends LorchestraCommand {
  static override readonly summary = 'List what runs with --test-table have left in the test tables'
  static override readonly description = 'All sets of test tables that are there, or one of them. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --test-set alice',
  ]

  static override readonly flags = {...testSetFlag()}

  override async run(): Promise<TestListDocument> {
    const {flags} = await this.parse(TestList)
    const [{openWarehouse}, {listTestSets, listTestTables}, {formatTestSets, testListDocumentOf}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/test-tables.ts'),
      import('../../report/test-tables-text.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(settings)
    const sets =
      flags['test-set'] === undefined
        ? await listTestSets(warehouse, settings.tables)
        : [await listTestTables(warehouse, settings.tables)]
    this.log(formatTestSets(sets, this.screen))
    return testListDocumentOf(sets)
  }
}
