import {LorchestraCommand} from '../../cli/command.ts'
import type {TestListDocument} from '../../report/documents/test-list.ts'

export default class TestList extends LorchestraCommand {
  static override readonly summary = 'List what runs with --test-table have left in the test tables'
  static override readonly description = 'Nothing is written.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  override async run(): Promise<TestListDocument> {
    const {flags} = await this.parse(TestList)
    const [{openWarehouse}, {testTablesOf}, {listTestTables}, {formatTestTables, testListDocumentOf}] =
      await Promise.all([
        import('../../warehouse/open-warehouse.ts'),
        import('../../model/tables.ts'),
        import('../../run/test-tables.ts'),
        import('../../report/test-tables-text.ts'),
      ])
    const {warehouse: settings} = await this.readConfig(flags.config)
    const listed = await listTestTables(await openWarehouse(settings), testTablesOf(settings.tables))
    this.log(formatTestTables(listed, Date.now()))
    return testListDocumentOf(listed)
  }
}
