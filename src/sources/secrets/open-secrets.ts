import {join} from 'node:path'

import type {Config} from '../../config/config.ts'
import type {Mask} from '../../base/mask.ts'
import type {SecretStore} from '../../source.ts'
import {createSecretStore, type ListedSecretStore} from './secret-store.ts'
import {findMovedSecrets, noteWhoseSecrets, secretsFolder} from './secrets-folder.ts'

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

export interface OpenSecrets extends ListedSecretStore {
  /** Says what to do where secrets of this name were kept for a lorchestra.yaml that has moved; `undefined` where none were. */
  adviceAfterMove(): Promise<string | undefined>
}

/** Secrets belong to the account, whichever of its jobs runs; to the job where it has none. Each lorchestra.yaml has its own. */
export function openSecrets({account, job}: SecretsOwner, {config, dataDir, mask, signal}: SecretsPlace): OpenSecrets {
  const folder = secretsFolder(dataDir, config.path)
  const kind = account === undefined ? 'jobs' : 'accounts'
  const name = account ?? job ?? ''
  const store = createSecretStore({
    folder: join(folder, kind),
    account: name,
    mask,
    beforeChange: async () => noteWhoseSecrets(folder, config.path),
    ...(signal !== undefined && {signal}),
  })
  return {
    ...store,
    async adviceAfterMove() {
      const file = join(kind, `${name}.json`)
      const [moved] = await findMovedSecrets(dataDir, file)
      if (moved === undefined) return undefined
      return (
        `What was signed in was ${moved.configPath}, which is gone. If it was moved to ${config.path}, take its sign-in along: ` +
        `mkdir -p '${join(folder, kind)}' && mv '${join(moved.folder, file)}' '${join(folder, kind)}/'`
      )
    },
  }
}

/** Tells whether a secret of this name was stored, by a login or by a service that rotates its tokens. */
export const isStoredIn =
  (secrets: SecretStore) =>
  async (name: string): Promise<boolean> =>
    (await secrets.get(name)) !== undefined
