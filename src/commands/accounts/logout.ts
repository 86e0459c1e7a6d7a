import {LorchestraCommand} from '../../cli/command.ts'
import {Args} from '../../base/oclif.ts'
import {listenForSignals} from '../../cli/signals.ts'
import type {AccountsLogoutDocument} from '../../report/documents/accounts-logout.ts'

export default class AccountsLogout extends LorchestraCommand {
  static override readonly summary = "Remove an account's stored secrets from this machine"
  static override readonly description =
    'What `accounts login` got, and tokens that a service rotated. lorchestra.yaml, .env and stored records stay. The service is not contacted: revoke the access there, too.'
  static override readonly examples = ['<%= config.bin %> <%= command.id %> acct1']

  static override readonly args = {
    account: Args.string({description: 'account whose secrets are stored', required: true}),
  }

  override async run(): Promise<AccountsLogoutDocument> {
    const {args, flags} = await this.parse(AccountsLogout)
    const {logoutAccount} = await import('../../sources/logout-account.ts')
    const config = await this.readConfig(flags.config)
    const {account} = args
    const stop = listenForSignals(() => `the logout of ${account}`)
    try {
      const place = {dataDir: this.config.dataDir, mask: this.mask, signal: stop.signal}
      const removed = await logoutAccount(config, account, place)
      this.log(
        removed.length === 0
          ? `Nothing is stored for ${account}.`
          : `✓ ${account}: removed ${removed.join(', ')} from this machine\n  → The service may still take them: revoke the access there, too.`,
      )
      return {schema: 1, logout: {account, removed}}
    } finally {
      stop.close()
    }
  }
}
