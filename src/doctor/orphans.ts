import {join} from 'node:path'

import type {Config} from '../config/config.ts'
import {ownersIn, secretsFolder} from '../sources/secrets/secrets-folder.ts'
import type {Finding} from './finding.ts'

/** Warns of secrets that are stored for accounts and jobs which lorchestra.yaml has no more: nobody uses them, and their service takes them. */
export async function* examineOrphans(config: Config, dataDir: string): AsyncGenerator<Finding> {
  const folder = secretsFolder(dataDir, config.path)
  for (const [kind, known, what] of [
    ['accounts', config.accounts, 'account'],
    ['jobs', config.jobs, 'job'],
  ] as const) {
    for (const owner of await ownersIn(join(folder, kind))) {
      if (known.has(owner)) continue
      yield {
        check: 'secrets',
        subject: owner,
        status: 'warning',
        found: `secrets are stored for ${owner}, and ${config.shownPath} has no such ${what}`,
        next:
          kind === 'accounts'
            ? `\`lorchestra accounts logout ${owner}\` removes them; or name the account as it was.`
            : `Remove ${join(folder, kind, `${owner}.json`)}; or name the job as it was.`,
      }
    }
  }
}
