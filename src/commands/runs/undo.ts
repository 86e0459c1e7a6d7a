import {Args, Flags} from '../../base/oclif.ts'
import {LorchestraCommand} from '../../cli/command.ts'
import {assertModeIsSet, assertModesTakeNoValue, dryRunFlag} from '../../cli/mode-flags.ts'
import {modeOfFlags} from '../../model/run-mode.ts'
import type {RunsUndoDocument} from '../../report/documents/runs-undo.ts'

export default class RunsUndo extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Take the streams of a run back to what they were before it'
  static override readonly description =
    'Removes the rows that it inserted, gives back what those that it changed held before, and no longer counts what it covered: the next plain run reads that again. All of it happens in one transaction, or nothing. Rows that it found unchanged stay as they are. Refused where later runs read the same streams, and where former payloads are not kept any more.'
  static override readonly examples = [
    {
      description: 'Look first',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d --dry-run',
    },
    {
      description: 'Undo a run, and the ones after it',
      command: '<%= config.bin %> <%= command.id %> gmail_ingest_acct1-20260131120000-0a1b2c3d --through',
    },
  ]

  static override readonly args = {
    run: Args.string({description: 'id of a run, as `lorchestra runs list` shows it', required: true}),
  }

  static override readonly flags = {
    ...dryRunFlag('say what would be removed and restored, but write nothing'),
    through: Flags.boolean({description: 'the later runs of the same streams, too'}),
  }

  override async run(): Promise<RunsUndoDocument> {
    const {args, flags} = await this.parse(RunsUndo)
    assertModesTakeNoValue(this.argv, 'runs undo RUN')
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    const [{kindOf}, {openWarehouse}, {undoRun}, {formatRunsToUndo, formatUndo, runsUndoDocumentOf}] =
      await Promise.all([
        import('../../warehouse/kinds.ts'),
        import('../../warehouse/open-warehouse.ts'),
        import('../../run/undo-run.ts'),
        import('../../report/undo-text.ts'),
      ])
    const {warehouse} = await this.readConfig(flags.config)
    const report = await undoRun({
      warehouse: await openWarehouse(warehouse),
      production: warehouse.tables,
      runId: args.run,
      through: flags.through,
      mode,
      maskSecrets: this.mask.apply,
      planned: (runs) => this.log(formatRunsToUndo(runs, {mode, warehouse: kindOf(warehouse).name})),
    })
    this.log(formatUndo(report, mode))
    return runsUndoDocumentOf(report, mode)
  }
}
