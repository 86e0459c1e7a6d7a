import {LorchestraCommand} from '../../cli/command.ts'
import type {JobsNamesDocument} from '../../report/documents/jobs-names.ts'

/** A shell asks for this when it completes the name of a job. */
export default class JobsNames extends LorchestraCommand {
  static override readonly summary = 'Print the names of the jobs of lorchestra.yaml, one a line'
  static override readonly hidden = true

  override async run(): Promise<JobsNamesDocument> {
    const {flags} = await this.parse(JobsNames)
    const {jobs} = await this.readConfig(flags.config)
    for (const name of jobs.keys()) this.log(name)
    return {schema: 1, jobs: [...jobs.keys()]}
  }
}
