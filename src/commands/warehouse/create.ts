import {LorchestraCommand} from '../../cli/command.ts'
import type {WarehouseCreateDocument} from '../../report/documents/warehouse-create.ts'
import type {WarehouseKind} from '../../warehouse/kind.ts'
import {kindOf, WAREHOUSE_KINDS} from '../../warehouse/kinds.ts'

const listed = new Intl.ListFormat('en')
const namesOf = (made: WarehouseKind['productionTables']): string =>
  listed.format(WAREHOUSE_KINDS.filter(({productionTables}) => productionTables === made).map(({name}) => name))

export default class WarehouseCreate extends LorchestraCommand {
  static override readonly summary = 'Create the production tables that are missing'
  static override readonly description = `A table that is there is checked and never altered. ${namesOf('made by command')} needs this once, before the first run; runs make the test tables themselves, and all tables in ${namesOf('made by runs')}.`
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  override async run(): Promise<WarehouseCreateDocument> {
    const {flags} = await this.parse(WarehouseCreate)
    const {openWarehouse} = await import('../../warehouse/open-warehouse.ts')
    const {warehouse: settings} = await this.readConfig(flags.config)
    const warehouse = await openWarehouse(settings)
    const made = await warehouse.createTables(settings.tables)
    const tables = [settings.tables.eventLog, settings.tables.rawObjects].map((name) => ({
      name,
      created: made.includes(name),
    }))
    for (const {name, created} of tables) this.log(`${name}: ${created ? 'created' : 'already there'}`)
    return {schema: 1, warehouse: kindOf(settings).name, tables}
  }
}
