import {usageError} from '../base/errors.ts'
import type {SecretStore, Source} from '../source.ts'

/** Asks nobody but the source: it sees from what is configured and stored. */
export async function assertSignedIn(
  {account, name}: {readonly account?: string; readonly name: string},
  source: Source,
  options: unknown,
  secrets: SecretStore,
): Promise<void> {
  if (!((await source.needsLogin?.({options, secrets})) ?? false)) return
  if (account !== undefined)
    throw usageError(`account ${account} is not signed in yet`, {
      next: `Sign in: \`lorchestra accounts login ${account}\`.`,
    })
  throw usageError(`job ${name} needs somebody to sign in, and has no account`, {
    next: `Give it an account in lorchestra.yaml, and sign in: \`lorchestra accounts login ACCOUNT\`.`,
  })
}
