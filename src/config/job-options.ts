import {adviseOn, closeMatch} from '../base/close-match.ts'
import type {Config} from './config.ts'
import {formatIssue, pathOf, problemsError, type Problem, type SchemaIssue} from './problems.ts'
import {changeAt, valuesAt} from './option-paths.ts'
import {hashSelection} from './selection-hash.ts'
import {jsonSchemaOf} from './options-schema.ts'
import {HOST_KEYS} from './settings.ts'
import {assertVariablesAreSet, isPlainObject, mapStrings, missingVariables, resolveVariables} from './variables.ts'
import {messageWithCauses, sourceBug} from '../base/errors.ts'
import {HIDDEN, type Mask} from '../base/mask.ts'
import type {Source} from '../source.ts'
import type {ChosenJob} from './jobs.ts'

/** The part of a source that its options are checked with. */
export type OptionsSource<Options = unknown> = Pick<Source<Options>, 'name' | 'options' | 'secrets' | 'selection'>

export interface ResolvedOptions<Options = unknown> {
  /** The output of the source's schema. */
  readonly options: Options
  /** 16 hexadecimal digits of the options that say which records are read: another hash starts uncovered. */
  readonly selectionHash: string
  /** The options without a secret in them, for printing. */
  readonly shown: Readonly<Record<string, unknown>>
}

/** An owner is the job that the options belong to; without a name it is an account alone. */
export type OptionsOwner = Omit<ChosenJob, 'name' | 'hiddenPaths'> & {readonly name?: string}

/**
 * Resolves the variables of a job's options and has the source check them; secrets are masked from then on.
 * `isStored` says which secrets are kept for the account already: where the variable of such an option is not set, the
 * option is left out and the source uses what is stored. Throws a usage error that names every problem.
 */
export async function resolveOptions<Options>(
  job: OptionsOwner,
  source: OptionsSource<Options>,
  config: Config,
  mask: Mask,
  isStored: (secret: string) => Promise<boolean> = () => Promise.resolve(false),
): Promise<ResolvedOptions<Options>> {
  const subject =
    job.name === undefined ? `the account ${JSON.stringify(job.account)}` : `the job ${JSON.stringify(job.name)}`
  const leftOut = await storedInstead(job.options, source, config, isStored)
  const given = leftOut.reduce((options, path) => changeAt(options, path, () => undefined), job.options)
  assertVariablesAreSet(subject, given, config)
  const written = resolveVariables(given, config.environment) as Readonly<Record<string, unknown>>
  maskSecrets(written, source, mask)
  const known = optionNames(source)
  const locate = locateOptions(job, config)
  const unknown = known === undefined ? [] : Object.keys(written).filter((key) => !known.includes(key))
  const problems: Problem[] = unknown.map((key) => ({
    position: locate([key]),
    message: `${source.name} has no option ${JSON.stringify(key)}`,
    advice: adviseOnOption(key, known ?? [], source),
  }))
  const input = pick(written, (key) => !unknown.includes(key))
  const result = await validate(source, input)
  const wanted = (result.issues ?? []).map((issue) => pathOf(issue).map(String).join('.'))
  const missed = leftOut.filter((path) => wanted.some((other) => isWithin(path, other) || isWithin(other, path)))
  assertVariablesAreSet(
    subject,
    missed.flatMap((path) => valuesAt(job.options, path)),
    config,
  )
  for (const issue of result.issues ?? []) problems.push(...problemsOf(issue, input, source, locate))
  if (result.issues !== undefined || problems.length > 0) throw problemsError(config.shownPath, problems)
  const {value: options} = result
  const values: Readonly<Record<string, unknown>> = isPlainObject(options) ? options : {}
  maskSecrets(values, source, mask)
  return {options, selectionHash: hashSelection(values, source), shown: hideSecrets(values, source, mask)}
}

/** Names the options whose variable is missing, but for which a secret is stored. */
export async function storedInstead(
  options: Readonly<Record<string, unknown>>,
  source: OptionsSource,
  config: Config,
  isStored: (secret: string) => Promise<boolean>,
): Promise<readonly string[]> {
  const names: string[] = []
  for (const name of source.secrets ?? []) {
    const missing = missingVariables(valuesAt(options, name), config.environment)
    if (missing.length > 0 && (await isStored(name))) names.push(name)
  }
  return names
}

/** Whether a path is another one, or lies within what it names. */
const isWithin = (path: string, other: string): boolean => path === other || path.startsWith(`${other}.`)

const pick = (
  options: Readonly<Record<string, unknown>>,
  wanted: (key: string) => boolean,
): Readonly<Record<string, unknown>> => Object.fromEntries(Object.entries(options).filter(([key]) => wanted(key)))

/** Makes options printable whose variables are not all set. */
export const hideSecrets = (
  options: Readonly<Record<string, unknown>>,
  source: OptionsSource,
  mask: Mask,
): Readonly<Record<string, unknown>> =>
  mapStrings(
    (source.secrets ?? []).reduce(
      (shown, path) => changeAt(shown, path, () => HIDDEN),
      pick(options, (key) => options[key] !== undefined),
    ),
    (text) => mask.apply(text),
  ) as Readonly<Record<string, unknown>>

function maskSecrets(options: Readonly<Record<string, unknown>>, source: OptionsSource, mask: Mask): void {
  for (const value of (source.secrets ?? []).flatMap((path) => valuesAt(options, path))) {
    if (typeof value === 'number' || typeof value === 'bigint') mask.add(String(value))
    mapStrings(value, (text) => {
      mask.add(text)
      return text
    })
  }
}

async function validate<Options>(source: OptionsSource<Options>, input: unknown) {
  try {
    return await source.options['~standard'].validate(input)
  } catch (error) {
    throw sourceBug(`the source ${source.name} could not check the options: ${messageWithCauses(error)}`, {
      cause: error,
    })
  }
}

function problemsOf(
  issue: SchemaIssue,
  input: unknown,
  source: OptionsSource,
  locate: (path: readonly PropertyKey[]) => string,
): readonly Problem[] {
  const path = pathOf(issue)
  if (issue.keys === undefined) {
    return [{position: locate(path), message: `option of ${source.name}: ${formatIssue(issue, input)}`}]
  }
  return issue.keys.map((key) => ({
    position: locate([...path, key]),
    message: `${source.name} does not know ${[...path, key].map(String).join('.')}`,
  }))
}

export function adviseOnOption(key: string, known: readonly string[], source: OptionsSource): string {
  const meant = closeMatch(key, [...known, ...HOST_KEYS])
  return meant === undefined ? adviseOn(key, known, `${source.name} takes no options.`) : adviseOn(key, [meant], '')
}

/** Finds an option in the job where the job sets it, in the account where the account does, else the job itself. */
function locateOptions(job: OptionsOwner, config: Config): (path: readonly PropertyKey[]) => string {
  const jobEntry = job.name === undefined ? undefined : config.jobs.get(job.name)
  const account = job.account === undefined ? undefined : config.accounts.get(job.account)
  return (path) => {
    const [key] = path
    const owner = [jobEntry, account].find(
      (entry) => key !== undefined && entry !== undefined && Object.hasOwn(entry.options, key),
    )
    return (owner ?? jobEntry ?? account)?.locate(owner === undefined ? [] : path) ?? config.shownPath
  }
}

/** Names the options where the source's schema says which there are, and does not leave it open on purpose. */
export function optionNames(source: OptionsSource): readonly string[] | undefined {
  const names = closedProperties(jsonSchemaOf(source))
  const taken = names?.filter((name) => HOST_KEYS.includes(name)) ?? []
  if (taken.length === 0) return names
  throw sourceBug(`the source ${source.name} has options that lorchestra reads itself: ${taken.join(', ')}`)
}

function closedProperties(schema: unknown): readonly string[] | undefined {
  if (!isPlainObject(schema) || 'patternProperties' in schema || '$ref' in schema) return undefined
  if (schema['additionalProperties'] !== undefined && schema['additionalProperties'] !== false) return undefined
  const names = isPlainObject(schema['properties']) ? Object.keys(schema['properties']) : []
  const branches = ['allOf', 'anyOf', 'oneOf'].flatMap((key) =>
    Array.isArray(schema[key]) ? (schema[key] as unknown[]) : [],
  )
  if (schema['properties'] === undefined && branches.length === 0 && schema['type'] !== 'object') return undefined
  for (const branch of branches) {
    const more = closedProperties(branch)
    if (more === undefined) return undefined
    names.push(...more)
  }
  return [...new Set(names)]
}
