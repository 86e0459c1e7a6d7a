import type {Config as CommandLine} from '@oclif/core'
import {parseDocument} from 'yaml'

import {usageError} from '../base/errors.ts'
import {describeOptions, showValue, type DescribedOption} from '../config/described-options.ts'
import {adviseOnOption, optionNames} from '../config/job-options.ts'
import {jsonSchemaOf} from '../config/options-schema.ts'
import {formatIssue, pathOf, valueAt, type SchemaIssue} from '../config/problems.ts'
import {HOST_KEYS, settingsIn, type Place} from '../config/settings.ts'
import {valuesAt} from '../config/option-paths.ts'
import {
  isPlainObject,
  mapStrings,
  missingVariables,
  resolveVariables,
  variableOf,
  type Environment,
} from '../config/variables.ts'
import {NAME, NAME_ADVICE} from '../model/name.ts'
import type {HostedSource} from './box/hosted-source.ts'
import {findSources, loadSource} from './source-plugins.ts'

export type GivenOptions = Readonly<Record<string, unknown>>

/** Reads `key=value` as an option of a source; `auth.type=bearer` is one within another. Throws a usage error that says which is wrong. */
export function parseOptions(written: readonly string[], source: HostedSource, place: Place): GivenOptions {
  const settings = settingsIn(place)
    .map(([key]) => key)
    .filter((key) => key !== 'source' && key !== 'account')
  const described = describeOptions(jsonSchemaOf(source))
  const known = optionNames(source)
  return written.reduce<GivenOptions>((options, text) => {
    const [, path, value] = /^([^=\s]+)=([^]*)$/.exec(text) ?? []
    if (path === undefined || value === undefined)
      throw refusal(`--option ${JSON.stringify(text)} is not key=value`, 'Write it as --option path=/tickets.')
    const [key = ''] = path.split('.')
    const isSetting = settings.includes(path)
    if (!isSetting && HOST_KEYS.includes(key))
      throw refusal(`${path} is no option of ${source.name}, and no setting of one ${place}`, 'Leave it out.')
    if (!isSetting && known !== undefined && !known.includes(key))
      throw refusal(`${source.name} has no option ${JSON.stringify(key)}`, adviseOnOption(key, known, source))
    const isText = described.find(({name}) => name === path)?.isText === true
    return setAt(options, path.split('.'), isText ? value : parseValue(value))
  }, {})
}

/** What is no YAML is text. */
function parseValue(text: string): unknown {
  const document = parseDocument(text, {schema: 'core', stringKeys: true})
  return text === '' || document.errors.length > 0 ? text : (document.toJS() as unknown)
}

function setAt(options: GivenOptions, [key = '', ...rest]: readonly string[], value: unknown): GivenOptions {
  const inner = options[key]
  return {...options, [key]: rest.length === 0 ? value : setAt(isPlainObject(inner) ? inner : {}, rest, value)}
}

/** A secret belongs into a variable: the file may be shared, and the shell remembers what was typed. */
export function assertNoSecretIsWritten(given: GivenOptions, source: HostedSource, account: string): void {
  for (const path of source.secrets ?? []) {
    const written = valuesAt(given, path).some((value) => !/\$\{\w+\}/.test(String(value)))
    if (!written) continue
    const variable = variableOf(source.name, account, path)
    throw refusal(
      `${path} is a secret, and nothing was written`,
      `Name a variable instead, --option '${path}=\${${variable}}', and set that in .env.`,
    )
  }
}

export interface Checked {
  /** Sentences on options that the source refuses. */
  readonly refused: readonly string[]
  /** Names of options that it misses. */
  readonly missed: readonly string[]
  /** Sentences of its own on those. */
  readonly why: readonly string[]
  /** What it makes of the options, where it takes them as they are; a variable that is not set may keep it from that. */
  readonly taken?: unknown
}

/** Has a source look at options, whose variables need not be set: what it says of those counts for nothing. */
export async function checkOptions(
  written: GivenOptions,
  source: HostedSource,
  environment: Environment,
): Promise<Checked> {
  const given = optionsIn(written)
  const open = Object.keys(given).filter((key) => missingVariables(given[key], environment).length > 0)
  const input = mapStrings(given, (text) =>
    missingVariables(text, environment).length > 0 ? text : String(resolveVariables(text, environment)),
  )
  const result = await source.options['~standard'].validate(input)
  const issues: readonly SchemaIssue[] = result.issues ?? []
  const known = issues.filter((issue) => !open.includes(String(pathOf(issue)[0])))
  const isMissing = (issue: (typeof known)[number]): boolean =>
    pathOf(issue).length > 0 && valueAt(input, pathOf(issue)) === undefined && !('keys' in issue)
  return {
    missed: [...new Set(known.filter(isMissing).map((issue) => pathOf(issue).map(String).join('.')))],
    why: [...new Set(known.filter((issue) => isMissing(issue) && issue.code === 'custom').map(({message}) => message))],
    refused: known.filter((issue) => !isMissing(issue)).map((issue) => formatIssue(issue, input)),
    ...(result.issues === undefined && {taken: result.value}),
  }
}

/** Gives options the values that their source has for examples. */
export function examplesOf(names: readonly string[], source: HostedSource): GivenOptions {
  const described = describeOptions(jsonSchemaOf(source)).filter(({name}) => names.includes(name))
  return Object.fromEntries(described.map(({name, example}) => [name, example]))
}

/** Says how an option is given, with the example that its source has. */
export function adviseToGive(names: readonly string[], source: HostedSource): string {
  const described = describeOptions(jsonSchemaOf(source))
  const flags = names.map((name) => `--option ${name}=${exampleOf(described.find((option) => option.name === name))}`)
  return `Give ${names.length === 1 ? 'it' : 'them'}, such as ${flags.join(' ')}. \`lorchestra sources show ${source.name}\` lists all options.`
}

/** The source's own of what is written. */
export const optionsIn = (written: GivenOptions): GivenOptions =>
  Object.fromEntries(Object.entries(written).filter(([key]) => !HOST_KEYS.includes(key)))

function exampleOf(option: DescribedOption | undefined): string {
  if (option?.example === undefined) return '…'
  const text = showValue(option.example)
  return /^[\w./:@-]+$/.test(text) ? text : `'${text}'`
}

export function assertName(name: string): void {
  if (!NAME.test(name))
    throw usageError(`${JSON.stringify(name)} is not a name`, {code: 'E_NAME_INVALID', next: NAME_ADVICE})
}

/** Loads a source for a look at its options, and ends its box afterwards. */
export async function withSource<Result>(
  commandLine: CommandLine,
  folder: string,
  name: string,
  look: (source: HostedSource, asksToSpawn: boolean) => Promise<Result>,
): Promise<Result> {
  const found = await findSources(commandLine)
  const {source, box} = await loadSource(found, name, {folder, paths: [], allow: []})
  try {
    return await look(
      source,
      found.sources.some(({descriptor}) => descriptor.name === name && descriptor.spawn),
    )
  } finally {
    box.close()
  }
}

export const refusal = (message: string, next: string): Error => usageError(message, {code: 'E_USAGE_FLAGS', next})
