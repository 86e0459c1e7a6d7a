import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import type {AccountsShowDocument} from '../../report/documents/accounts-show.ts'

export default class AccountsShow extends LorchestraCommand {
  static override readonly summary = 'Show the options of an account, whether it is signed in, and which jobs read it'
  static override readonly description = 'Secrets are hidden. Nothing is contacted: `doctor` asks the service.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> acct1']

  static override readonly args = {
    account: Args.string({description: 'account of lorchestra.yaml', required: true}),
  }

  override async run(): Promise<AccountsShowDocument> {
    const {args, flags} = await this.parse(AccountsShow)
    const {describeAccount, formatAccount} = await import('../../report/account-description.ts')
    const config = await this.readConfig(flags.config)
    const account = await describeAccount(config, this.config, args.account, this.mask)
    this.log(formatAccount(account, this.screen))
    return {schema: 1, account}
  }
}
