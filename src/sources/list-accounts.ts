import type {Config} from '../config/config.ts'
import {missingVariables} from '../config/variables.ts'
import {openSecrets, type SecretsPlace} from './secrets/open-secrets.ts'

/** One entry of `accounts list --json` describes an account. */
export interface AccountDescription {
  readonly account: string
  readonly source: string
  readonly source_system: string
  /** Names of the secrets that a login or a rotated token left. */
  readonly stored: readonly string[]
  /** Variables that a run would ask for. */
  readonly missing_variables: readonly string[]
  readonly jobs: readonly string[]
}

export async function listAccounts(
  config: Config,
  place: Omit<SecretsPlace, 'config'>,
): Promise<readonly AccountDescription[]> {
  const described: AccountDescription[] = []
  for (const {name, source, sourceSystem, options} of config.accounts.values()) {
    const stored = await openSecrets({account: name}, {config, ...place}).names()
    const needed = Object.entries(options).filter(([option]) => !stored.includes(option))
    described.push({
      account: name,
      source,
      source_system: sourceSystem,
      stored,
      missing_variables: missingVariables(Object.fromEntries(needed), config.environment),
      jobs: [...config.jobs.values()].filter(({account}) => account === name).map((job) => job.name),
    })
  }
  return described
}
