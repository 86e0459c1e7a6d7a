import {LorchestraCommand} from '../../cli/command.ts'
import {optionFlag} from '../../cli/option-flag.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {STARTER} from '../../cli/starter/starter-files.ts'
import type {AccountsAddDocument} from '../../report/documents/added.ts'

export default class AccountsAdd extends LorchestraCommand {
  static override readonly summary = 'Add an account to lorchestra.yaml'
  static override readonly description =
    'All other lines of the file stay as they are, comments and order included. What the source misses is written as variables for .env; what it refuses is not written. Secrets are named by variables alone.'
  static override readonly examples = [
    `<%= config.bin %> <%= command.id %> work --source ${STARTER.source}`,
    `<%= config.bin %> <%= command.id %> hub --source rest --option preset=github --option values.owner=ada`,
  ]

  static override readonly args = {
    account: Args.string({description: 'a name of yours for it', required: true}),
  }

  static override readonly flags = {
    source: Flags.string({
      description: 'source whose data it is, one of `lorchestra sources list`',
      helpValue: 'SOURCE',
      required: true,
    }),
    ...optionFlag(),
  }

  override async run(): Promise<AccountsAddDocument> {
    const {args, flags} = await this.parse(AccountsAdd)
    const {addAccount} = await import('../../sources/add-account.ts')
    const config = await this.readConfig(flags.config)
    const request = {name: args.account, source: flags.source, options: flags.option}
    const added = await addAccount(config, this.config, request, await this.configRequest(flags.config))
    this.log(`✓ added the account ${added.account} to ${config.shownPath}`)
    for (const line of added.next) this.log(`  → ${line}`)
    return {schema: 1, account: {...added, written: config.path}}
  }
}
