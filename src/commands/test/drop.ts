import {LorchestraCommand} from '../../cli/command.ts'
import {assertModeIsSet, dryRunFlag} from '../../cli/mode-flags.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {modeOfCommand} from '../../model/run-mode.ts'
import type {TestDropDocument} from '../../report/documents/test-drop.ts'

export default class TestDrop extends LorchestraCommand {
  /** The init hook reads both, and sets the mode that writes these tables, or nothing. */
  static readonly runsJobs = true
  static readonly writes = 'test'
  static override readonly summary = 'Drop the test tables'
  static override readonly description = 'Production is not touched. The next run with --test-table makes them anew.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --dry-run',
  ]

  static override readonly flags = {
    ...dryRunFlag('say which tables would be dropped, and drop none'),
    ...testSetFlag(),
  }

  override async run(): Promise<TestDropDocument> {
    const {flags} = await this.parse(TestDrop)
    const mode = modeOfCommand(flags, TestDrop.writes)
    assertModeIsSet(mode)
    const [{openWarehouse}, {dropTested}] = await Promise.all([
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/drop-test-tables.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config, flags['test-set'])
    const place = {warehouse: await openWarehouse(settings), production: settings.tables}
    const {found, dropped} = await dropTested(place, mode)
    if (found.length === 0) this.log('There are no test tables.')
    else if (dropped === undefined) this.log(`would drop ${found.join(' and ')}; nothing was dropped`)
    else this.log(`✓ dropped ${dropped.join(' and ')}`)
    return {schema: 1, tables: [...found], dropped: dropped === undefined ? null : [...dropped]}
  }
}
