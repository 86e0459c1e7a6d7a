import {Flags} from '../../base/oclif.ts'
import {LorchestraCommand} from '../../cli/command.ts'
import {assertModeIsSet, dryRunFlag} from '../../cli/mode-flags.ts'
import {testSetOfTestTableFlag} from '../../cli/test-set-flag.ts'
import {DRY_RUN_FLAG, modeOfFlags, TEST_TABLE_FLAG} from '../../model/run-mode.ts'
import type {WarehouseDedupeDocument} from '../../report/documents/warehouse-dedupe.ts'

export default class WarehouseDedupe extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Remove surplus rows, so that each key has one row again'
  static override readonly description =
    'Runs never write a second row of a key, and refuse where something else did. Of the rows of a key the one with the newest last_seen stays, and of these the one with the newest first_seen. All surplus rows are removed in one transaction, or none; refused while a run reads one of their streams. Nothing gives them back: look with --dry-run first, and keep a copy of what you may want.'
  static override readonly examples = [
    {
      description: 'See first how many rows that are, and what it bills where reading is billed',
      command: '<%= config.bin %> <%= command.id %> --dry-run',
    },
    '<%= config.bin %> <%= command.id %>',
  ]

  static override readonly flags = {
    ...dryRunFlag('say how many rows would be removed from production, and remove none'),
    [TEST_TABLE_FLAG]: Flags.boolean({
      description: `remove them from the test tables (mutually exclusive with --${DRY_RUN_FLAG})`,
      exclusive: [DRY_RUN_FLAG],
    }),
    ...testSetOfTestTableFlag(),
  }

  override async run(): Promise<WarehouseDedupeDocument> {
    const {flags} = await this.parse(WarehouseDedupe)
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    const [{kindOf}, {openWarehouse}, {dedupeTables}, text, {formatBytes}] = await Promise.all([
      import('../../warehouse/kinds.ts'),
      import('../../warehouse/open-warehouse.ts'),
      import('../../run/dedupe-tables.ts'),
      import('../../report/dedupe-text.ts'),
      import('../../report/bytes-text.ts'),
    ])
    const {warehouse: settings} = await this.readConfig(flags.config, flags['test-set'])
    const warehouse = await openWarehouse(settings)
    const {name} = kindOf(settings)
    const report = await dedupeTables({
      warehouse,
      production: settings.tables,
      mode,
      maskSecrets: this.mask.apply,
      priced: (bytes) => this.logToStderr(`${name} estimates that looking for them reads ${formatBytes(bytes)}.`),
      found: ({bytes}) => {
        if (bytes !== undefined) this.logToStderr(text.formatRemovalEstimate(bytes))
      },
    })
    this.log(text.formatDedupe(report, mode))
    return text.warehouseDedupeDocumentOf(report, {mode, bytesBilled: warehouse.bytesBilled})
  }
}
