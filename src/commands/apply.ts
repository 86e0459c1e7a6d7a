import {join} from 'node:path'

import {LorchestraCommand} from '../cli/command.ts'
import {EXIT} from '../base/errors.ts'
import {assertNodeIsNewEnough} from '../base/node-version.ts'
import {Args, Flags} from '../base/oclif.ts'
import {assertModeIsSet, assertModesTakeNoValue, dryRunFlag} from '../cli/mode-flags.ts'
import {listenForSignals} from '../cli/signals.ts'
import {modeOfFlags} from '../model/run-mode.ts'

export default class Apply extends LorchestraCommand {
  /** The init hook reads it, and sets the run mode for commands that say so. */
  static readonly runsJobs = true
  static override readonly summary = 'Write to production exactly what a plan holds, without reading it again'
  static override readonly description =
    'A plan is what `lorchestra run JOB --dry-run --diff --out FILE` kept. Refused where it is damaged, has expired, was applied before, or was made for other tables, and where production moved since: then nothing is written. One that was interrupted goes on where it ended.'
  static override readonly examples = [
    {
      description: 'Compare once more, and write nothing',
      command: '<%= config.bin %> <%= command.id %> mail.lorplan --dry-run',
    },
    {
      description: 'Apply the plan that was approved, and no other one',
      command:
        '<%= config.bin %> <%= command.id %> mail.lorplan --expect 9c41e7d25b0e4a7f8d1c6b2a3f5e9d80c7b6a5948372615049f8e7d6c5b4a392',
    },
  ]

  static override readonly args = {
    plan: Args.string({description: 'file of a plan', required: true}),
  }

  static override readonly flags = {
    ...dryRunFlag('check and compare everything, and write nothing'),
    expect: Flags.string({description: 'the id that the plan must have', helpValue: 'PLAN_ID'}),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Apply)
    assertModesTakeNoValue(this.argv, 'apply FILE')
    const mode = modeOfFlags(flags)
    assertModeIsSet(mode)
    assertNodeIsNewEnough()
    const [{readPlan, assertApplicable}, {applyPlan}, {openWarehouse, outsideOfRuns}, report] = await Promise.all([
      import('../run/read-plan.ts'),
      import('../run/apply-plan.ts'),
      import('../warehouse/open-warehouse.ts'),
      import('../report/plan-text.ts'),
    ])
    const {warehouse} = await this.readConfig(flags.config)
    const plan = await readPlan(args.plan)
    const stop = listenForSignals(
      () => plan.manifest.job,
      'Finished commits are kept; the same command goes on from there.',
    )
    try {
      const now = Date.now()
      assertApplicable(plan, {warehouse, now, expected: flags.expect})
      if (!this.jsonEnabled()) this.log(report.formatPlan(plan, now))
      const applied = await applyPlan({
        plan,
        warehouse: await openWarehouse(warehouse, outsideOfRuns(stop.signal)),
        production: warehouse.tables,
        mode,
        folderOf: (runId) => join(this.config.cacheDir, 'spool', runId),
        signal: stop.signal,
        maskSecrets: this.mask.apply,
      })
      if (this.jsonEnabled()) this.logJson(report.applyDocumentOf(plan, applied))
      else this.log(report.formatApplied(plan, applied, mode))
      if (applied.firstRejects > 0) this.exit(EXIT.rejects)
    } finally {
      stop.close()
      await plan.file.close()
    }
  }
}
