import {Flags} from '../../base/oclif.ts'
import {parseDuration} from '../../base/time.ts'
import {LorchestraCommand} from '../../cli/command.ts'
import {TEST_TABLE_START, testSetsAmong, testTablesOf, type TableSet} from '../../model/tables.ts'
import type {WarehouseCreateDocument} from '../../report/documents/warehouse-create.ts'
import type {WarehouseKind} from '../../warehouse/kind.ts'
import {kindOf, WAREHOUSE_KINDS} from '../../warehouse/kinds.ts'
import type {Warehouse} from '../../warehouse/warehouse.ts'

const listed = new Intl.ListFormat('en')
const namesOf = (made: WarehouseKind['productionTables']): string =>
  listed.format(WAREHOUSE_KINDS.filter(({productionTables}) => productionTables === made).map(({name}) => name))

async function addColumns(warehouse: Warehouse, production: TableSet): ReturnType<Warehouse['addColumns']> {
  const sets = testSetsAmong(await warehouse.tablesThatBegin(TEST_TABLE_START), production)
  return warehouse.addColumns([production, ...sets.map(testTablesOf)])
}

export default class WarehouseCreate extends LorchestraCommand {
  static override readonly summary = 'Create the production tables that are missing'
  static override readonly description = `A table that is there is checked, and altered only with --add-columns and --log-retention. ${namesOf('made by command')} needs this once, before the first run; runs make the test tables themselves, and all tables in ${namesOf('made by runs')}.`
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --add-columns',
    '<%= config.bin %> <%= command.id %> --log-retention 400d',
  ]
  static override readonly flags = {
    'add-columns': Flags.boolean({
      description:
        'add the columns that a newer lorchestra writes to existing tables, test tables too; all may be NULL',
    }),
    'log-retention': Flags.string({
      description:
        'have the warehouse remove events from the production event log after so many days, 90 at least; what they tell of streams that are read meanwhile is kept',
      helpValue: '400d',
    }),
  }

  override async run(): Promise<WarehouseCreateDocument> {
    const {flags} = await this.parse(WarehouseCreate)
    const {openWarehouse, outsideOfRuns} = await import('../../warehouse/open-warehouse.ts')
    const {warehouse: settings} = await this.readConfig(flags.config)
    const warehouse = await openWarehouse(settings, {...outsideOfRuns(), writes: 'production'})
    const {tables: production} = settings
    const added = flags['add-columns'] ? await addColumns(warehouse, production) : []
    const retention = flags['log-retention']
    const made = await warehouse.createTables(
      production,
      retention === undefined ? {} : {logRetention: parseDuration(retention)},
    )
    const names = new Set([production.eventLog, production.rawObjects, ...added.map(({table}) => table)])
    const tables = [...names].map((name) => ({
      name,
      created: made.includes(name),
      added_columns: added.find(({table}) => table === name)?.columns ?? [],
    }))
    for (const {name, created, added_columns: columns} of tables) {
      const more = columns.length === 0 ? '' : `, added ${columns.join(', ')}`
      this.log(`${name}: ${created ? 'created' : 'already there'}${more}`)
    }
    return {schema: 1, warehouse: kindOf(settings).name, tables}
  }
}
