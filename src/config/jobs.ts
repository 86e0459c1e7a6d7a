import {adviseOn} from '../base/close-match.ts'
import type {AccountEntry, Config, JobEntry} from './config.ts'
import {parseRejectLimit, parseSlice, type JobSettings} from './file-schema.ts'
import {problemsError, type Problem} from './problems.ts'
import {assertVariablesAreSet, resolveVariables} from './variables.ts'
import {parseDuration} from '../base/duration.ts'
import {messageWithCauses, usageError} from '../base/errors.ts'
import {parseInstant} from '../base/instant.ts'

/** What a job reads, before any variable is looked at. */
export interface ChosenJob {
  readonly name: string
  readonly account?: string
  readonly sourceName: string
  readonly sourceSystem: string
  /** The account's own keys and the job's, which win; variables unresolved. */
  readonly options: Readonly<Record<string, unknown>>
}

export interface Job extends ChosenJob {
  readonly start?: Date
  /** Milliseconds, like `slice`. */
  readonly overlap?: number
  readonly slice?: number
  readonly maxRejects: number
}

export interface JobRequest {
  /** Another account of the same source. */
  readonly account?: string
}

export const DEFAULT_MAX_REJECTS = 100

export const jobNames = (config: Config): readonly string[] => [...config.jobs.keys()]

/** Names stay as they are; `*` and `?` stand for any part of one. Each job once, however often it is named. */
export function expandJobs(config: Config, wanted: readonly string[]): readonly string[] {
  const expanded = wanted.flatMap((name) => {
    if (!/[*?]/.test(name)) return [name]
    const pattern = patternOf(name)
    const found = jobNames(config).filter((job) => pattern.test(job))
    if (found.length > 0) return found
    throw usageError(`no job of ${config.shownPath} matches ${JSON.stringify(name)}`, {
      code: 'E_JOB_UNKNOWN',
      next: adviseOn(name, jobNames(config), 'It has no jobs yet; add one under jobs:.'),
    })
  })
  return [...new Set(expanded)]
}

function patternOf(glob: string): RegExp {
  const literal = glob.replaceAll(/[^\w*?-]/g, String.raw`\$&`)
  return new RegExp(`^${literal.replaceAll('*', '.*').replaceAll('?', '.')}$`)
}

export function findJob(config: Config, name: string, request: JobRequest = {}): Job {
  return {...chooseJob(config, name, request), ...readSettings(config, jobEntry(config, name))}
}

export function chooseJob(config: Config, name: string, request: JobRequest = {}): ChosenJob {
  const entry = jobEntry(config, name)
  const accountName = request.account ?? entry.account
  if (accountName === undefined) {
    return {name, sourceName: entry.source, sourceSystem: entry.sourceSystem, options: entry.options}
  }
  const account = chooseAccount(config, entry, accountName)
  return {
    name,
    account: account.name,
    sourceName: account.source,
    sourceSystem: account.sourceSystem,
    options: {...account.options, ...entry.options},
  }
}

export function jobEntry(config: Config, name: string): JobEntry {
  const entry = config.jobs.get(name)
  if (entry !== undefined) return entry
  throw usageError(`there is no job ${JSON.stringify(name)} in ${config.shownPath}`, {
    code: 'E_JOB_UNKNOWN',
    next: adviseOn(name, jobNames(config), 'It has no jobs yet; add one under jobs:.'),
  })
}

function chooseAccount(config: Config, job: JobEntry, name: string): AccountEntry {
  if (job.account === undefined) {
    throw usageError(
      `the job ${JSON.stringify(job.name)} reads ${job.source} without an account, so none can take its place`,
      {code: 'E_USAGE_FLAGS', next: 'Leave --account out.'},
    )
  }
  const account = config.accounts.get(name)
  const choices = [...config.accounts.values()].filter(({source}) => source === job.source).map((other) => other.name)
  if (account === undefined) {
    throw usageError(`there is no account ${JSON.stringify(name)} in ${config.shownPath}`, {
      code: 'E_ACCOUNT_UNKNOWN',
      next: adviseOn(name, choices, 'Add it under accounts:.'),
    })
  }
  if (account.source === job.source) return account
  throw usageError(
    `the account ${JSON.stringify(name)} is one of ${account.source}, and the job ${JSON.stringify(job.name)} reads ${job.source}`,
    {code: 'E_USAGE_FLAGS', next: `Name an account of ${job.source}: ${choices.join(', ')}.`},
  )
}

type Settings = Pick<Job, 'start' | 'overlap' | 'slice' | 'maxRejects'>

function readSettings(config: Config, {name, settings: written, locate}: JobEntry): Settings {
  assertVariablesAreSet(`the job ${JSON.stringify(name)}`, written, config)
  const settings = resolveVariables(written, config.environment) as typeof written
  const problems: Problem[] = []
  const read = <Value, Meaning>(key: keyof JobSettings, value: Value | undefined, parse: (value: Value) => Meaning) => {
    if (value === undefined) return undefined
    try {
      return parse(value)
    } catch (error) {
      problems.push({position: locate([key]), message: `jobs.${name}.${key}: ${messageWithCauses(error)}`})
      return undefined
    }
  }
  const start = read('start', settings.start, parseStart)
  const overlap = read('overlap', settings.overlap, parseDuration)
  const slice = read('slice', settings.slice, parseSlice)
  const maxRejects = read('max_rejects', settings.max_rejects, parseRejectLimit)
  if (problems.length > 0) throw problemsError(config.shownPath, problems)
  return {
    ...(start !== undefined && {start}),
    ...(overlap !== undefined && {overlap}),
    ...(slice !== undefined && {slice}),
    maxRejects: maxRejects ?? DEFAULT_MAX_REJECTS,
  }
}

function parseStart(text: string): Date {
  const {date} = parseInstant(text)
  if (date.getTime() <= Date.now()) return date
  throw new RangeError(`${JSON.stringify(text)} lies in the future, so nothing would be read`)
}
