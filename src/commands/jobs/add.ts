import {LorchestraCommand} from '../../cli/command.ts'
import {optionFlag} from '../../cli/option-flag.ts'
import {usageError} from '../../base/errors.ts'
import {Args, Flags} from '../../base/oclif.ts'
import type {JobsAddDocument} from '../../report/documents/added.ts'

export default class JobsAdd extends LorchestraCommand {
  static override readonly summary = 'Add a job to lorchestra.yaml'
  static override readonly description =
    'All other lines of the file stay as they are, comments and order included. What its source refuses or misses is not written; nothing is contacted.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> contacts --account clinic --option entity=contact',
    '<%= config.bin %> <%= command.id %> issues --account hub --stream issue --stream commit',
    '<%= config.bin %> <%= command.id %> orders --source files --option path=orders/*.csv --option key=id',
  ]

  static override readonly args = {
    job: Args.string({description: 'a name of yours for it', required: true}),
  }

  static override readonly flags = {
    account: Flags.string({
      description: 'account of lorchestra.yaml whose records it reads',
      helpValue: 'ACCOUNT',
      exclusive: ['source'],
    }),
    source: Flags.string({description: 'source to read, where it needs no account', helpValue: 'SOURCE'}),
    stream: Flags.string({
      description: 'a stream to read, where the source has several; may be given several times',
      helpValue: 'NAME',
      multiple: true,
      multipleNonGreedy: true,
      default: [],
    }),
    ...optionFlag(),
  }

  override async run(): Promise<JobsAddDocument> {
    const {args, flags} = await this.parse(JobsAdd)
    const {account, source, stream, option} = flags
    const owner = account === undefined ? (source === undefined ? undefined : {source}) : {account}
    if (owner === undefined)
      throw usageError('whose records should the job read?', {
        code: 'E_USAGE_FLAGS',
        next: 'Say --account ACCOUNT (`lorchestra accounts list`), or --source SOURCE where the source needs none.',
      })
    const {addJob} = await import('../../sources/add-job.ts')
    const config = await this.readConfig(flags.config)
    const request = {name: args.job, owner, streams: stream, options: option}
    const added = await addJob(config, this.config, request, await this.configRequest(flags.config))
    this.log(`✓ added the job ${added.job} to ${config.shownPath}`)
    for (const line of added.next) this.log(`  → ${line}`)
    return {schema: 1, job: {...added, written: config.path}}
  }
}
