import {sourceFailure, usageError} from '../base/errors.ts'
import type {SecretStore} from '../source.ts'
import type {OpenSecrets} from './secrets/open-secrets.ts'
import type {HostedSource} from './box/hosted-source.ts'

/** Asks nobody but the source: it sees from what is configured and stored. */
export async function assertSignedIn(
  {account, name}: {readonly account?: string; readonly name: string},
  source: HostedSource,
  options: unknown,
  secrets: Pick<OpenSecrets, 'get' | 'update' | 'adviceAfterMove'>,
): Promise<void> {
  if (!(await needsLogin(source, options, secrets))) return
  const moved = await secrets.adviceAfterMove()
  if (account !== undefined)
    throw usageError(`account ${account} is not signed in yet`, {
      code: 'E_NOT_SIGNED_IN',
      next: [`Sign in: \`lorchestra accounts login ${account}\`.`, moved ?? ''].join(' ').trim(),
    })
  throw usageError(`job ${name} needs somebody to sign in, and has no account`, {
    code: 'E_NOT_SIGNED_IN',
    next: `Give it an account in lorchestra.yaml, and sign in: \`lorchestra accounts login ACCOUNT\`.`,
  })
}

export async function needsLogin(source: HostedSource, options: unknown, secrets: SecretStore): Promise<boolean> {
  try {
    return (await source.needsLogin?.({options, secrets})) ?? false
  } catch (error) {
    throw sourceFailure(error)
  }
}
