import {readFile, stat} from 'node:fs/promises'
import {dirname, isAbsolute, join, relative, resolve} from 'node:path'

import {adviseOn, closeMatch} from '../base/close-match.ts'
import {FILE_KEYS, fileSchema, HOST_KEYS, settingsSchema, type JobSettings} from './file-schema.ts'
import type {NotificationSettings} from './notification-settings.ts'
import {describeIssue, pathOf, problemsError, type Problem, type SchemaIssue, valueAt} from './problems.ts'
import {withDotEnv, type Environment} from './variables.ts'
import {readWarehouse, type WarehouseConfig} from './warehouse-settings.ts'
import {parseYamlFile, type Locate} from './yaml-file.ts'
import {messageWithCauses, usageError} from '../base/errors.ts'

export type {TableNames, WarehouseConfig} from './warehouse-settings.ts'

export const CONFIG_FILE = 'lorchestra.yaml'

export interface Config {
  readonly path: string
  readonly folder: string
  /** The file as messages name it. */
  readonly shownPath: string
  readonly warehouse: WarehouseConfig
  readonly accounts: ReadonlyMap<string, AccountEntry>
  readonly jobs: ReadonlyMap<string, JobEntry>
  /** As written, variables unresolved. */
  readonly notifications?: NotificationSettings
  /** With what `.env` adds. */
  readonly environment: Environment
}

export interface AccountEntry {
  readonly name: string
  readonly source: string
  readonly sourceSystem: string
  /** The source's own keys as written, variables unresolved. */
  readonly options: Readonly<Record<string, unknown>>
  /** Where an option stands. */
  readonly locate: Locate
}

export interface JobEntry {
  readonly name: string
  readonly source: string
  readonly account?: string
  /** The account's, where there is one. */
  readonly sourceSystem: string
  /** As written, variables unresolved. */
  readonly settings: JobSettings
  readonly options: Readonly<Record<string, unknown>>
  readonly locate: Locate
}

export interface ConfigRequest {
  readonly explicitPath?: string
  readonly workingFolder: string
  readonly environment: Environment
}

/** All of the file is checked; variables of accounts and jobs stay as they are until a run needs them. */
export async function loadConfig({explicitPath, workingFolder, environment}: ConfigRequest): Promise<Config> {
  const path = explicitPath === undefined ? await findUpward(workingFolder) : resolve(workingFolder, explicitPath)
  const folder = dirname(path)
  const shownPath = shorten(path, workingFolder)
  const {value, locate} = parseYamlFile(await readText(path, shownPath), shownPath)
  const content = value ?? {}
  const merged = await withDotEnv(folder, environment)
  const parsed = fileSchema.safeParse(content)
  const written = isRecord(content) ? content['warehouse'] : undefined
  const {warehouse, problems} = readWarehouse({value: written, locate, folder, environment: merged})
  if (!parsed.success) {
    const shape = parsed.error.issues.flatMap((issue) => problemsOf(issue, content, locate))
    throw problemsError(shownPath, [...shape, ...problems])
  }
  const accounts = new Map(
    Object.entries(parsed.data.accounts ?? {}).map(([name, entry]) => [
      name,
      {
        name,
        source: entry.source,
        sourceSystem: entry.source_system ?? `${entry.source}--${name}`,
        options: optionsOf(entry),
        locate: (inner: readonly PropertyKey[]) => locate(['accounts', name, ...inner]),
      },
    ]),
  )
  const unknownAccounts: Problem[] = []
  const jobs = new Map<string, JobEntry>()
  for (const [name, entry] of Object.entries(parsed.data.jobs ?? {})) {
    const account = entry.account === undefined ? undefined : accounts.get(entry.account)
    if (entry.account !== undefined && account === undefined) {
      unknownAccounts.push({
        position: locate(['jobs', name, 'account']),
        message: `there is no account ${JSON.stringify(entry.account)}`,
        advice: adviseOn(entry.account, [...accounts.keys()], 'Add it under accounts:.'),
      })
    }
    const source = account?.source ?? entry.source ?? ''
    jobs.set(name, {
      name,
      source,
      ...(account !== undefined && {account: account.name}),
      sourceSystem: account?.sourceSystem ?? entry.source_system ?? source,
      settings: settingsOf(entry),
      options: optionsOf(entry),
      locate: (inner) => locate(['jobs', name, ...inner]),
    })
  }
  const all = [...problems, ...unknownAccounts]
  if (all.length > 0 || warehouse === undefined) throw problemsError(shownPath, all)
  const {notifications} = parsed.data
  return {
    path,
    folder,
    shownPath,
    warehouse,
    accounts,
    jobs,
    environment: merged,
    ...(notifications !== undefined && {notifications}),
  }
}

async function findUpward(workingFolder: string): Promise<string> {
  for (let folder = resolve(workingFolder); ; folder = dirname(folder)) {
    const path = join(folder, CONFIG_FILE)
    if (await isFile(path)) return path
    if (dirname(folder) === folder) break
  }
  throw usageError(`there is no ${CONFIG_FILE} in ${workingFolder} or a folder above it`, {
    code: 'E_CONFIG_NOT_FOUND',
    next: '`lorchestra init` writes a commented one to start from; --config FILE names another.',
  })
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isFile()
  } catch {
    return false
  }
}

async function readText(path: string, shownPath: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(await readFile(path))
  } catch (error) {
    if (error instanceof TypeError) {
      throw usageError(`${shownPath} is not UTF-8 text`, {
        code: 'E_CONFIG_INVALID',
        next: 'Save it as UTF-8.',
        cause: error,
      })
    }
    throw usageError(`${shownPath} cannot be read: ${messageWithCauses(error)}`, {
      code: 'E_CONFIG_NOT_FOUND',
      next: 'Name a file that is there; `lorchestra init` writes one to start from.',
      cause: error,
    })
  }
}

/** Relative where the file lies below the working folder, so that terminals make it a link either way. */
function shorten(path: string, workingFolder: string): string {
  const short = relative(workingFolder, path)
  return short === '' || short.startsWith('..') || isAbsolute(short) ? path : short
}

function problemsOf(issue: SchemaIssue, content: unknown, locate: Locate): readonly Problem[] {
  if (issue.keys === undefined) {
    const path = pathOf(issue)
    const meant = misspelling(path, content)
    return [
      {
        position: locate(meant === undefined ? path : [...path.slice(0, -1), meant]),
        message: describeIssue(issue, content),
        ...(meant !== undefined && {advice: `Is ${JSON.stringify(meant)} meant to be it?`}),
      },
    ]
  }
  return issue.keys.map((key) => ({
    position: locate([key]),
    message: `unknown key ${JSON.stringify(key)}`,
    advice: adviseOn(key, FILE_KEYS, ''),
  }))
}

/** Accounts and jobs take any key, so a misspelt one shows only in what is missing. */
function misspelling(path: readonly PropertyKey[], content: unknown): string | undefined {
  const key = path.at(-1)
  const siblings = valueAt(content, path.slice(0, -1))
  if (typeof key !== 'string' || !isRecord(siblings) || Object.hasOwn(siblings, key)) return undefined
  return closeMatch(key, Object.keys(siblings))
}

const settingsOf = (entry: Readonly<Record<string, unknown>>): JobSettings => settingsSchema.parse(entry)

const optionsOf = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => !(HOST_KEYS as readonly string[]).includes(key)))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
