import {LorchestraCommand} from '../../cli/command.ts'
import type {AccountsListDocument} from '../../report/documents/accounts-list.ts'

const COLUMNS = [
  {name: 'ACCOUNT'},
  {name: 'SOURCE'},
  {name: 'SOURCE SYSTEM', leaves: 2},
  {name: 'STORED SECRETS', wraps: true as const},
  {name: 'MISSING VARIABLES', wraps: true as const},
  {name: 'JOBS', wraps: true as const, leaves: 1},
]

export default class AccountsList extends LorchestraCommand {
  static override readonly summary = 'List the accounts of lorchestra.yaml and what runs of them still need'
  static override readonly description = 'Nothing is contacted, and no secret is shown.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %>']

  override async run(): Promise<AccountsListDocument> {
    const {flags} = await this.parse(AccountsList)
    const [{listAccounts}, {formatTable}] = await Promise.all([
      import('../../sources/list-accounts.ts'),
      import('../../report/text-table.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const accounts = await listAccounts(config, {dataDir: this.config.dataDir, mask: this.mask})
    if (accounts.length === 0) this.log(`${config.shownPath} has no accounts yet; add one under accounts:.`)
    else {
      const rows = accounts.map(({account, source, source_system, stored, missing_variables, jobs}) => [
        account,
        source,
        source_system,
        stored.join(', ') || '-',
        missing_variables.join(', ') || '-',
        jobs.join(', ') || '-',
      ])
      this.log(formatTable(COLUMNS, rows, this.screen))
    }
    return {schema: 1, accounts}
  }
}
