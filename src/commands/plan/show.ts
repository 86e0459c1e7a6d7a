import {Args} from '../../base/oclif.ts'
import {LorchestraCommand} from '../../cli/command.ts'
import type {PlanShowDocument} from '../../report/documents/plan.ts'

export default class PlanShow extends LorchestraCommand {
  static override readonly summary = 'Show what a plan would do, without contacting anything'
  static override readonly description =
    'Every byte of the file is checked. Records are shown as far as the dry run that made it would have: --diff-samples, and mask: of the job.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> mail.lorplan']

  static override readonly args = {
    plan: Args.string({description: 'file of a plan', required: true}),
  }

  override async run(): Promise<PlanShowDocument> {
    const {args} = await this.parse(PlanShow)
    const [{readPlan}, {formatPlanShown, planShowDocumentOf}] = await Promise.all([
      import('../../run/read-plan.ts'),
      import('../../report/plan-text.ts'),
    ])
    const plan = await readPlan(args.plan)
    await plan.file.close()
    this.log(formatPlanShown(plan, Date.now(), this.mask.apply))
    return planShowDocumentOf(plan, this.mask.apply)
  }
}
