import {LorchestraCommand} from '../cli/command.ts'
import {exitCodeOf} from '../base/errors.ts'
import {createLogger} from '../base/log.ts'
import {Args} from '../base/oclif.ts'
import {listenForSignals} from '../cli/signals.ts'
import type {Finding} from '../doctor/finding.ts'
import type {DoctorDocument} from '../report/documents/doctor.ts'

const COLUMNS = [
  {name: 'STATUS'},
  {name: 'CHECK'},
  {name: 'SUBJECT', wraps: true as const},
  {name: 'FOUND', wraps: true as const},
]

const MEANINGS = {ok: 'good', warning: 'warning', failed: 'bad'} as const

export default class Doctor extends LorchestraCommand {
  static override readonly summary = 'Find out what keeps jobs from running, and what to do about it'
  static override readonly description =
    'Looks at Node, the configuration, plugins, each account (one cheap call: whose data is it), what each job asks for (its first page of the last hour), the warehouse, runs that died, the disk and the clock. Writes nothing to the warehouse. Exits with 1 where anything fails.'
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> gmail_ingest_acct1 --json',
  ]

  static override readonly args = {
    job: Args.string({description: 'only what this job needs; all jobs where it is left out'}),
  }

  override async run(): Promise<void> {
    const {args, flags} = await this.parse(Doctor)
    const [{examine}, {formatTable}] = await Promise.all([
      import('../doctor/examine.ts'),
      import('../report/text-table.ts'),
    ])
    const stop = listenForSignals(() => 'doctor')
    const findings: Finding[] = []
    try {
      const examination = examine({
        readConfig: async () => this.readConfig(flags.config),
        commandLine: this.config,
        job: args.job,
        mask: this.mask,
        log: await createLogger(flags['log-level'], this.mask),
        signal: stop.signal,
      })
      for await (const finding of examination) findings.push(this.#masked(finding))
    } finally {
      stop.close()
    }
    const rows = findings.flatMap(({check, subject, status, found, next}) => [
      [{text: status, means: MEANINGS[status]}, check, subject, found],
      ...(next?.split('\n') ?? []).map((line, index) => ['', '', '', index === 0 ? `→ ${line}` : `  ${line.trim()}`]),
    ])
    this.log(formatTable(COLUMNS, rows, this.screen))
    const healthy = findings.every(({status}) => status !== 'failed')
    const document: DoctorDocument = {schema: 1, healthy, findings}
    if (this.jsonEnabled()) this.logJson(document)
    this.exit(exitCodeOf([healthy ? 'done' : 'failed']))
  }

  #masked({found, next, ...finding}: Finding): Finding {
    const {apply} = this.mask
    return {...finding, found: apply(found), ...(next !== undefined && {next: apply(next)})}
  }
}
