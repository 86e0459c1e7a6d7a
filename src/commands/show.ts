import {LorchestraCommand} from '../cli/command.ts'
import {testSetOfTestTableFlag} from '../cli/test-set-flag.ts'
import {Args, Flags} from '../base/oclif.ts'
import {TEST_TABLE_FLAG} from '../model/run-mode.ts'
import type {ShowDocument} from '../report/documents/show.ts'

export default class Show extends LorchestraCommand {
  static override readonly summary = 'Show one stored record, and what the event log says of it'
  static override readonly description =
    'The payload is shown as it is stored, with every digit, and nothing of it is hidden: `mask:` of a job is about the samples of a dry run. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> note:diary:17',
    '<%= config.bin %> <%= command.id %> note:diary:17 --test-table --json',
  ]

  static override readonly args = {
    key: Args.string({description: 'idem_key of the record: OBJECT_TYPE:SOURCE_SYSTEM:ID', required: true}),
  }

  static override readonly flags = {
    [TEST_TABLE_FLAG]: Flags.boolean({description: 'look into the test tables instead of production'}),
    ...testSetOfTestTableFlag(),
  }

  override async run(): Promise<ShowDocument> {
    const {args, flags} = await this.parse(Show)
    const [{kindOf}, {openWarehouse}, {findRecord}, {formatRecord, recordMemberOf}] = await Promise.all([
      import('../warehouse/kinds.ts'),
      import('../warehouse/open-warehouse.ts'),
      import('../report/find-record.ts'),
      import('../report/record-text.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(settings)
    const found = await findRecord(warehouse, settings.tables, args.key, {testTable: flags[TEST_TABLE_FLAG]})
    const record = {...found, warehouse: kindOf(settings).name}
    this.log(formatRecord(record, this.mask.apply, this.screen))
    return recordMemberOf(record)
  }
}
