import {adviseOn} from '../base/close-match.ts'
import type {Capability} from '../model/capability.ts'
import type {AccountEntry, Config, JobEntry} from './config.ts'
import {readSettings, type JobSettings, type WrittenSettings} from './job-settings.ts'
import {problemsError, type Problem} from './problems.ts'
import {assertVariablesAreSet, resolveVariables} from './variables.ts'
import {messageWithCauses, usageError} from '../base/errors.ts'

/** A chosen job says what it reads, before any variable is looked at. */
export interface ChosenJob {
  readonly name: string
  readonly account?: string
  readonly sourceName: string
  /** The middle part of every key. */
  readonly sourceSystem: string
  /** Paths into payloads that nobody is shown. */
  readonly hiddenPaths: readonly string[]
  /** What the source may do outside of its box. */
  readonly allow: readonly Capability[]
  /** The account's own keys and the job's, which win; variables unresolved. */
  readonly options: Readonly<Record<string, unknown>>
}

/** A job is chosen and its settings are read. Durations are milliseconds. */
export type Job = ChosenJob & JobSettings

export interface JobRequest {
  /** Another account of the same source. @default the job's own */
  readonly account?: string
}

export const jobNames = (config: Config): readonly string[] => [...config.jobs.keys()]

/** Finds the jobs that patterns mean: `*` and `?` stand for any part of a name. Each comes once, however often it is named. */
export function expandJobs(config: Config, wanted: readonly string[]): readonly string[] {
  const expanded = wanted.flatMap((name) => {
    if (!/[*?]/.test(name)) return [name]
    const pattern = patternOf(name)
    const found = jobNames(config).filter((job) => pattern.test(job))
    if (found.length > 0) return found
    throw usageError(`no job of ${config.shownPath} matches ${JSON.stringify(name)}`, {
      code: 'E_JOB_UNKNOWN',
      next: adviseOnJob(config, name),
    })
  })
  return [...new Set(expanded)]
}

function patternOf(glob: string): RegExp {
  const literal = glob.replaceAll(/[^\w*?-]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

/** Finds a job and reads its settings. Throws a usage error for what is not there, not set or means nothing. */
export function findJob(config: Config, name: string, request: JobRequest = {}): Job {
  return {...chooseJob(config, name, request), ...settingsOf(config, jobEntry(config, name))}
}

/** Finds a job without its settings, so that no variable has to be set. */
export function chooseJob(config: Config, name: string, request: JobRequest = {}): ChosenJob {
  const entry = jobEntry(config, name)
  const accountName = request.account ?? entry.account
  if (accountName === undefined) {
    const {source, sourceSystem, hiddenPaths, allow, options} = entry
    return {name, sourceName: source, sourceSystem, hiddenPaths, allow, options}
  }
  const account = chooseAccount(config, entry, accountName)
  return {
    name,
    account: account.name,
    sourceName: account.source,
    sourceSystem: account.sourceSystem,
    hiddenPaths: [...new Set([...account.hiddenPaths, ...entry.hiddenPaths])],
    allow: account.allow,
    options: {...account.options, ...entry.options},
  }
}

export const adviseOnJob = (config: Config, name: string): string =>
  adviseOn(name, jobNames(config), 'It has no jobs yet; add one under jobs:.')

export function jobEntry(config: Config, name: string): JobEntry {
  const entry = config.jobs.get(name)
  if (entry !== undefined) return entry
  throw usageError(`there is no job ${JSON.stringify(name)} in ${config.shownPath}`, {
    code: 'E_JOB_UNKNOWN',
    next: adviseOnJob(config, name),
  })
}

function chooseAccount(config: Config, job: JobEntry, name: string): AccountEntry {
  if (job.account === undefined) {
    throw usageError(
      `the job ${JSON.stringify(job.name)} reads ${job.source} without an account, so none can take its place`,
      {code: 'E_USAGE_FLAGS', next: 'Leave --account out.'},
    )
  }
  const choices = [...config.accounts.values()].filter(({source}) => source === job.source).map((other) => other.name)
  const account = findAccount(config, name, choices)
  if (account.source === job.source) return account
  throw usageError(
    `the account ${JSON.stringify(name)} is one of ${account.source}, and the job ${JSON.stringify(job.name)} reads ${job.source}`,
    {code: 'E_USAGE_FLAGS', next: `Name an account of ${job.source}: ${choices.join(', ')}.`},
  )
}

/** Finds an account; `choices` are the names of those that may be meant. */
export function findAccount(
  config: Config,
  name: string,
  choices: Iterable<string> = config.accounts.keys(),
): AccountEntry {
  const account = config.accounts.get(name)
  if (account !== undefined) return account
  throw usageError(`there is no account ${JSON.stringify(name)} in ${config.shownPath}`, {
    code: 'E_ACCOUNT_UNKNOWN',
    next: adviseOn(name, [...choices], 'Add it under accounts:.'),
  })
}

function settingsOf(config: Config, {name, settings, locate}: JobEntry): JobSettings {
  assertVariablesAreSet(`the job ${JSON.stringify(name)}`, settings, config)
  const problems: Problem[] = []
  const read = readSettings(resolveVariables(settings, config.environment) as WrittenSettings, (key, reason) => {
    problems.push({position: locate([key]), message: `jobs.${name}.${key}: ${messageWithCauses(reason)}`})
  })
  if (problems.length > 0) throw problemsError(config.shownPath, problems)
  return read
}
