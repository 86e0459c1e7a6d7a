import type {Config as CommandLine} from '@oclif/core'
import {parse, stringify} from 'yaml'

import {addToFile} from '../config/change-file.ts'
import type {Config, ConfigRequest} from '../config/config.ts'
import {missingVariables, variableOf} from '../config/variables.ts'
import {
  assertName,
  assertNoSecretIsWritten,
  checkOptions,
  examplesOf,
  parseOptions,
  refusal,
  withSource,
  type GivenOptions,
} from './given-options.ts'
import type {SecretStore} from '../source.ts'
import type {HostedSource} from './box/hosted-source.ts'
import {needsLogin} from './signed-in.ts'

export interface AccountRequest {
  readonly name: string
  readonly source: string
  /** Options as they were typed, `key=value`. */
  readonly options: readonly string[]
}

export interface AddedAccount {
  readonly account: string
  readonly source: string
  /** Its options as they stand in the file. */
  readonly options: GivenOptions
  /** Variables of its options that are not set yet. */
  readonly missing_variables: readonly string[]
  /** What is left to do, a line each. */
  readonly next: readonly string[]
}

/** Writes an account into lorchestra.yaml. What its source refuses is not written. */
export async function addAccount(
  config: Config,
  commandLine: CommandLine,
  {name, source: sourceName, options}: AccountRequest,
  place: ConfigRequest,
): Promise<AddedAccount> {
  assertName(name)
  return withSource(commandLine, config.folder, sourceName, async (source, asksToSpawn) => {
    const given = parseOptions(options, source, 'account')
    assertNoSecretIsWritten(given, source, name)
    const lines = await linesOf(given, source, name, config)
    const written = (parse(lines) ?? {}) as GivenOptions
    const {refused} = await checkOptions(written, source, config.environment)
    if (refused.length > 0)
      throw refusal(`${source.name} refuses the options: ${refused.join('; ')}`, 'Correct them; nothing was written.')
    const spawn = asksToSpawn ? '# allow: [spawn] # it starts processes, which are in no box\n' : ''
    await addToFile(config, place, {section: 'accounts', name, lines: `source: ${source.name}\n${spawn}${lines}`})
    const missing = missingVariables(written, config.environment)
    return {
      account: name,
      source: source.name,
      options: written,
      missing_variables: missing,
      next: [
        ...(missing.length > 0 ? [`Put ${missing.join(', ')} into .env beside ${config.shownPath}.`] : []),
        ...((await asksForLogin(written, source)) ? [`Sign in: lorchestra accounts login ${name}`] : []),
        `Say what to read: lorchestra jobs add NAME --account ${name} (lorchestra sources show ${source.name} lists the options)`,
      ],
    }
  })
}

/** Nothing is stored for a new account, and what a job says stands for itself. */
export async function asksForLogin(written: GivenOptions, source: HostedSource): Promise<boolean> {
  if (source.login === undefined) return false
  const {missed} = await checkOptions(written, source, {})
  const result = await source.options['~standard'].validate({
    ...examplesOf(missed, source),
    ...((parse(source.starter?.job ?? '') ?? {}) as GivenOptions),
    ...written,
  })
  return result.issues !== undefined || needsLogin(source, result.value, NOTHING_STORED)
}

const NOTHING_STORED: SecretStore = {
  get: async () => Promise.resolve(undefined),
  update: async (_name, change) => change(undefined),
}

/** Says what is given, and what the account's source misses beside it; the source's own lines where nothing is given. */
async function linesOf(given: GivenOptions, source: HostedSource, account: string, config: Config): Promise<string> {
  const own = source.starter?.account.replaceAll(
    /\$\{(\w+)\}/g,
    (_match, option: string) => `\${${variableOf(source.name, account, option)}}`,
  )
  if (own !== undefined && Object.keys(given).length === 0) return `${own.trimEnd()}\n`
  const examples = (own === undefined ? {} : parse(own)) as GivenOptions | null
  const ofJob = [...(source.selection ?? []), ...Object.keys((parse(source.starter?.job ?? '') ?? {}) as object)]
  const {missed} = await checkOptions(given, source, config.environment)
  const filled = missed
    .filter((option) => !option.includes('.') && !ofJob.includes(option))
    .map((option) => [option, examples?.[option] ?? `\${${variableOf(source.name, account, option)}}`] as const)
  const all = {...given, ...Object.fromEntries(filled)}
  return Object.keys(all).length === 0 ? '' : stringify(all, {lineWidth: 0})
}
