import {LorchestraCommand} from '../../cli/command.ts'
import {createLogger} from '../../base/log.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {printable} from '../../base/printable.ts'
import {listenForSignals} from '../../cli/signals.ts'
import type {JobsExploreDocument} from '../../report/documents/jobs-explore.ts'

export default class JobsExplore extends LorchestraCommand {
  static override readonly summary = 'Ask for a page, and see what came and which options would read it'
  static override readonly description =
    'Says where the list, the ids, the times and the next page probably are. Secrets are hidden, values of records are not shown. Nothing is written.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> tickets',
    {
      description: 'Another list of the same service, with the credentials of the job',
      command: "<%= config.bin %> <%= command.id %> tickets --url '/people?limit=10'",
    },
  ]

  static override readonly args = {
    job: Args.string({description: 'job of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    url: Flags.string({
      helpValue: 'URL',
      description:
        'ask for this address or path instead of what the job reads; credentials go to the host of the account alone',
    }),
  }

  override async run(): Promise<JobsExploreDocument> {
    const {args, flags} = await this.parse(JobsExplore)
    const {exploreJob} = await import('../../doctor/explore.ts')
    const stop = listenForSignals(() => 'jobs explore')
    try {
      const found = await exploreJob(
        {
          config: await this.readConfig(flags.config),
          commandLine: this.config,
          mask: this.mask,
          log: await createLogger(flags['log-level'], this.mask),
          signal: stop.signal,
          skewed: () => undefined,
        },
        args.job,
        flags.url,
      )
      const lines = this.mask.apply(found).split('\n').map(printable)
      for (const line of lines) this.log(line)
      return {schema: 1, job: args.job, found: lines}
    } finally {
      stop.close()
    }
  }
}
