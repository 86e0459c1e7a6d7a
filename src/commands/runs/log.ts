import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import type {RunsLogDocument} from '../../report/documents/runs-log.ts'

export default class RunsLog extends LorchestraCommand {
  static override readonly summary = 'Show what a run logged: windows, commits, retries, pauses, and how it ended'
  static override readonly description =
    'The log of each run, a dry run too, is kept for 14 days on the machine that ran it, as a file that only its user can read; secrets are masked in it, and no payload is in it. No warehouse is asked.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1',
    {description: 'By the end of its id', command: '<%= config.bin %> <%= command.id %> 0a1b2c3d'},
  ]

  static override readonly args = {
    run: Args.string({
      description: 'id of a run, its beginning or its end; a job: the newest run of it; latest: the newest of all',
      default: 'latest',
    }),
  }

  override async run(): Promise<RunsLogDocument> {
    const {args, flags} = await this.parse(RunsLog)
    const [{runLogFolder}, {readRunLog}, {formatRunLog, runsLogDocumentOf}] = await Promise.all([
      import('../../run/run-log.ts'),
      import('../../run/read-run-log.ts'),
      import('../../report/run-log-text.ts'),
    ])
    const {path} = await this.readConfig(flags.config)
    const log = await readRunLog(runLogFolder(this.config.dataDir, path), args.run)
    this.log(formatRunLog(log, this.screen))
    return runsLogDocumentOf(log)
  }
}
