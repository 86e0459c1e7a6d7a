import type {Config} from '../config/config.ts'
import {findAccount} from '../config/jobs.ts'
import {openSecrets, type SecretsPlace} from './secrets/open-secrets.ts'
import {NAME} from '../model/name.ts'

/** Removes what a login or a rotated token left for an account, also where lorchestra.yaml has it no more. Resolves with its names. */
export async function logoutAccount(
  config: Config,
  account: string,
  place: Omit<SecretsPlace, 'config'>,
): Promise<readonly string[]> {
  if (!NAME.test(account)) findAccount(config, account)
  const secrets = openSecrets({account}, {config, ...place})
  const stored = await secrets.names()
  if (stored.length === 0) {
    findAccount(config, account)
    return []
  }
  return secrets.clear()
}
