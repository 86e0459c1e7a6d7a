import {LorchestraCommand} from '../../cli/command.ts'
import {testSetFlag} from '../../cli/test-set-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {JobsShowDocument} from '../../report/documents/jobs-show.ts'

export default class JobsShow extends LorchestraCommand {
  static override readonly summary = 'Show what a job reads and where it would write'
  static override readonly description = 'Secrets are hidden. Nothing is contacted.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --account acct2',
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    ...testSetFlag(),
    account: Flags.string({description: "another account of the job's source", helpValue: 'ACCOUNT'}),
  }

  override async run(): Promise<JobsShowDocument> {
    const {args, flags} = await this.parse(JobsShow)
    const {describeJob, formatDescription} = await import('../../report/job-description.ts')
    const config = await this.readConfig(flags.config, flags['test-set'])
    const request = flags.account === undefined ? {} : {account: flags.account}
    const description = await describeJob(config, this.config, args.job, request, this.mask)
    this.log(formatDescription(description, this.screen))
    return {schema: 1, job: description}
  }
}
