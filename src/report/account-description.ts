import type {Config as CommandLine} from '@oclif/core'

import type {Config} from '../config/config.ts'
import {hideSecrets, resolveOptions} from '../config/job-options.ts'
import {showValue} from '../config/described-options.ts'
import {chooseJob, findAccount} from '../config/jobs.ts'
import {adviceForVariables} from '../config/variables.ts'
import type {Mask} from '../base/mask.ts'
import {listAccounts} from '../sources/list-accounts.ts'
import {isStoredIn, openSecrets} from '../sources/secrets/open-secrets.ts'
import {needsLogin} from '../sources/signed-in.ts'
import {SourceBoxes} from '../sources/source-boxes.ts'
import type {AccountDescription} from './documents/accounts-show.ts'
import type {Screen} from '../base/screen.ts'
import {formatFacts, type Fact} from './text-table.ts'

/** Says what an account is, as far as this machine knows. Nothing is contacted. */
export async function describeAccount(
  config: Config,
  commandLine: CommandLine,
  name: string,
  mask: Mask,
): Promise<AccountDescription> {
  const account = findAccount(config, name)
  const place = {dataDir: commandLine.dataDir, mask}
  const listed = (await listAccounts(config, place)).find((each) => each.account === name)
  const {stored = [], jobs = [], missing_variables: missing = []} = listed ?? {}
  const [first] = jobs
  const owner = first === undefined ? {...account, account: name, sourceName: account.source} : chooseJob(config, first)
  const source = await new SourceBoxes(commandLine, config, {mask}).sourceOf(owner)
  const secrets = openSecrets({account: name}, {config, ...place})
  // Some options that a source requires stand in jobs.
  const known = missing.length === 0 && first !== undefined
  const resolved = known ? await resolveOptions(owner, source, config, mask, isStoredIn(secrets)) : undefined
  return {
    account: name,
    config: config.path,
    source: account.source,
    summary: source.summary,
    source_system: account.sourceSystem,
    mask: account.hiddenPaths,
    allow: account.allow,
    options: hideSecrets(account.options, source, mask),
    stored,
    can_sign_in: source.login !== undefined,
    signed_in: resolved === undefined ? null : !(await needsLogin(source, resolved.options, secrets)),
    missing_variables: missing,
    ...(missing.length > 0 && {advice: adviceForVariables(config.folder, missing.length)}),
    jobs,
  }
}

const SIGNED_IN = {true: 'yes, as far as this machine knows', false: 'no'} as const

export function formatAccount(account: AccountDescription, screen: Screen): string {
  const {stored, signed_in, can_sign_in, missing_variables: missing} = account
  const known = signed_in === null ? 'known when it has a job and no variable is missing' : SIGNED_IN[`${signed_in}`]
  const rows: Fact[] = [
    ['account', account.account],
    ['config', account.config],
    ['source', `${account.source} (${account.summary})`],
    ['source_system', account.source_system],
    ['mask', account.mask.join(', ') || 'nothing is hidden'],
    ['allow', account.allow.join(', ') || 'nothing'],
    ...Object.entries(account.options).map(([key, value]): Fact => [`option ${key}`, showValue(value)]),
    ['stored secrets', stored.join(', ') || 'none'],
    ['signed in', can_sign_in ? known : 'by its options alone'],
    ['jobs', account.jobs.join(', ') || 'none'],
    ...(missing.length > 0 ? [missingFact(missing)] : []),
  ]
  const advice = [
    ...(account.advice === undefined ? [] : [account.advice]),
    ...(can_sign_in && signed_in === false ? [`Sign in: \`lorchestra accounts login ${account.account}\`.`] : []),
    ...(account.jobs.length === 0
      ? [`Say what to read: \`lorchestra jobs add NAME --account ${account.account}\`.`]
      : []),
  ]
  return [formatFacts(rows, screen), ...advice.map((line) => `  → ${line}`)].join('\n')
}

const missingFact = (missing: readonly string[]): Fact => [
  'missing variables',
  `${missing.join(', ')} (not set or empty)`,
]
