import {createHash} from 'node:crypto'
import {join} from 'node:path'

import type {Config} from '../../config/config.ts'
import type {Mask} from '../../base/mask.ts'
import {createSecretStore, type ListedSecretStore} from './secret-store.ts'
import type {SecretStore} from '../../source.ts'

export interface SecretsPlace {
  readonly config: Config
  /** The folder of lorchestra for data that must last. */
  readonly dataDir: string
  readonly mask: Mask
  readonly signal?: AbortSignal
}

export interface SecretsOwner {
  readonly account: string | undefined
  readonly job?: string
}

/** Secrets belong to the account, whichever of its jobs runs; to the job where it has none. Each lorchestra.yaml has its own. */
export function openSecrets(
  {account, job}: SecretsOwner,
  {config, dataDir, mask, signal}: SecretsPlace,
): ListedSecretStore {
  return createSecretStore({
    folder: join(dataDir, 'secrets', fingerprint(config.path), account === undefined ? 'jobs' : 'accounts'),
    account: account ?? job ?? '',
    mask,
    ...(signal !== undefined && {signal}),
  })
}

/** Tells whether a secret of this name was stored, by a login or by a service that rotates its tokens. */
export const isStoredIn =
  (secrets: SecretStore) =>
  async (name: string): Promise<boolean> =>
    (await secrets.get(name)) !== undefined

const fingerprint = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 16)
