import {LorchestraCommand} from '../../cli/command.ts'
import type {JobsListDocument} from '../../report/documents/jobs-list.ts'

const COLUMNS = [{name: 'JOB'}, {name: 'SOURCE'}, {name: 'ACCOUNT'}, {name: 'SOURCE SYSTEM', leaves: 1}]

export default class JobsList extends LorchestraCommand {
  static override readonly summary = 'List the jobs of lorchestra.yaml'
  static override readonly description = 'Needs no environment variables but those of the warehouse.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  override async run(): Promise<JobsListDocument> {
    const {flags} = await this.parse(JobsList)
    const [{formatFailures, listSources}, {formatTable}] = await Promise.all([
      import('../../sources/source-plugins.ts'),
      import('../../report/text-table.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const {sources, failures} = await listSources(this.config)
    if (failures.length > 0) this.logToStderr(formatFailures(failures))
    const offered = new Set(sources.map(({descriptor}) => descriptor.name))
    const jobs = [...config.jobs.values()].map((job) => ({
      job: job.name,
      source: job.source,
      account: job.account ?? null,
      source_system: job.sourceSystem,
      available: offered.has(job.source),
    }))
    if (jobs.length === 0) this.log(`${config.shownPath} has no jobs yet; add one under jobs:.`)
    else {
      const rows = jobs.map((job) => [
        job.job,
        job.available ? job.source : `${job.source} (missing)`,
        job.account ?? '-',
        job.source_system,
      ])
      this.log(formatTable(COLUMNS, rows, this.screen))
    }
    const missing = new Set(jobs.filter(({available}) => !available).map(({source}) => source))
    for (const source of missing) {
      this.logToStderr(
        `Warning: no usable plugin offers the source ${source}\n  → Install the one that does: lorchestra plugins install PACKAGE.`,
      )
    }
    return {schema: 1, jobs, failures}
  }
}
