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
  type Checked,
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
    const {lines, written, checked} = await linesOf(given, source, name, config)
    const {refused, missed} = checked
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
        ...((await asksForLogin(written, source, missed)) ? [`Sign in: lorchestra accounts login ${name}`] : []),
        `Say what to read: lorchestra jobs add NAME --account ${name} (lorchestra sources show ${source.name} lists the options)`,
      ],
    }
  })
}

/** Tells whether the account that a source has to begin with is signed in to. */
export async function starterAsksForLogin(source: HostedSource): Promise<boolean> {
  const written = (parse(source.starter?.account ?? '') ?? {}) as GivenOptions
  const {missed} = await checkOptions(written, source, {})
  return asksForLogin(written, source, missed)
}

/** Nothing is stored for a new account, and what a job says stands for itself: examples do for what the account misses. */
async function asksForLogin(written: GivenOptions, source: HostedSource, missed: readonly string[]): Promise<boolean> {
  if (source.login === undefined) return false
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

interface AccountLines {
  readonly lines: string
  readonly written: GivenOptions
  readonly checked: Checked
}

/** Says what is given, and what the account's source misses beside it; the source's own lines where nothing is given. */
async function linesOf(
  given: GivenOptions,
  source: HostedSource,
  account: string,
  {environment}: Config,
): Promise<AccountLines> {
  const linesFor = async (lines: string): Promise<AccountLines> => {
    const written = (parse(lines) ?? {}) as GivenOptions
    return {lines, written, checked: await checkOptions(written, source, environment)}
  }
  const own = source.starter?.account.replaceAll(
    /\$\{(\w+)\}/g,
    (_match, option: string) => `\${${variableOf(source.name, account, option)}}`,
  )
  if (own !== undefined && Object.keys(given).length === 0) return linesFor(`${own.trimEnd()}\n`)
  const alone = await linesFor(textOf(given))
  const examples = (own === undefined ? {} : parse(own)) as GivenOptions | null
  const ofJob = [...(source.selection ?? []), ...Object.keys((parse(source.starter?.job ?? '') ?? {}) as object)]
  const filled = alone.checked.missed
    .filter((option) => !option.includes('.') && !ofJob.includes(option))
    .map((option) => [option, examples?.[option] ?? `\${${variableOf(source.name, account, option)}}`] as const)
  return filled.length === 0 ? alone : linesFor(textOf({...given, ...Object.fromEntries(filled)}))
}

const textOf = (options: GivenOptions): string =>
  Object.keys(options).length === 0 ? '' : stringify(options, {lineWidth: 0})
