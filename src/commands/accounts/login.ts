import {LorchestraCommand} from '../../cli/command.ts'
import {parseDuration} from '../../base/time.ts'
import {usageError} from '../../base/errors.ts'
import {createLogger} from '../../base/log.ts'
import {Args, Flags} from '../../base/oclif.ts'
import {listenForSignals} from '../../cli/signals.ts'
import type {AccountsLoginDocument} from '../../report/documents/accounts-login.ts'

const LONGEST_TIMEOUT = 24 * 60 * 60 * 1000

export default class AccountsLogin extends LorchestraCommand {
  static override readonly summary = 'Sign in to an account and keep its credentials for runs'
  static override readonly description = `What the account's source gets (a refresh token, say) is stored for you alone, outside of lorchestra.yaml, and used by all runs of the account. Needs a person: runs never ask.`
  static override readonly examples = [
    '<%= config.bin %> <%= command.id %> acct1',
    {
      description: 'Without a browser here: open the address that it prints',
      command: '<%= config.bin %> <%= command.id %> acct1 --no-browser',
    },
  ]

  static override readonly args = {
    account: Args.string({description: 'account of lorchestra.yaml', required: true}),
  }

  static override readonly flags = {
    'no-browser': Flags.boolean({description: 'print the address and open no browser; also without a terminal'}),
    timeout: Flags.string({
      description: 'how long to wait for you: 90s, 10m, 1h',
      helpValue: 'DURATION',
      default: '10m',
    }),
  }

  override async run(): Promise<AccountsLoginDocument> {
    const {args, flags} = await this.parse(AccountsLogin)
    const timeout = readTimeout(flags.timeout)
    if (!flags['no-browser']) assertSomebodyIsThere()
    const [{loginAccount}, {openBrowser}] = await Promise.all([
      import('../../sources/login-account.ts'),
      import('../../cli/browser.ts'),
    ])
    const config = await this.readConfig(flags.config)
    const log = await createLogger(flags['log-level'], this.mask)
    const stop = listenForSignals(() => `the login of ${args.account}`, 'Run it again to sign in.')
    try {
      const result = await loginAccount({
        config,
        commandLine: this.config,
        account: args.account,
        timeout,
        signal: stop.signal,
        log,
        mask: this.mask,
        // Also with --json, where oclif prints nothing else.
        tell: (message) => process.stderr.write(`${message}\n`),
        ...(!flags['no-browser'] && {openBrowser}),
      })
      this.log(`✓ ${result.account}: signed in to ${result.source}; stored ${result.stored.join(', ')}`)
      return {schema: 1, login: result}
    } finally {
      stop.close()
    }
  }
}

function readTimeout(text: string): number {
  const timeout = parseDuration(text)
  if (timeout > 0 && timeout <= LONGEST_TIMEOUT) return timeout
  throw usageError(`--timeout ${text} is no time to wait for a person`, {
    code: 'E_USAGE_FLAGS',
    next: 'Give one between 1s and 24h.',
  })
}

function assertSomebodyIsThere(): void {
  if (process.stdin.isTTY && process.stderr.isTTY) return
  throw usageError('a login needs a person at a terminal, and this is none', {
    code: 'E_TERMINAL_NEEDED',
    next: 'Run it in a terminal, or with --no-browser and open the address that it prints yourself.',
  })
}
