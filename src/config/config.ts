import {stat} from 'node:fs/promises'
import {dirname, isAbsolute, join, relative, resolve} from 'node:path'

import {adviseOn, closeMatch} from '../base/close-match.ts'
import {withDotEnv} from './dot-env.ts'
import {FILE_KEYS, fileSchema} from './file-schema.ts'
import {writtenSettings, type WrittenSettings} from './job-settings.ts'
import type {NotificationSettings} from './notification-settings.ts'
import {formatIssue, pathOf, problemsError, type Problem, type SchemaIssue, valueAt} from './problems.ts'
import {defaultSourceSystem, HOST_KEYS} from './settings.ts'
import type {Capability} from '../model/capability.ts'
import {readTextFile} from './text-file.ts'
import type {Environment} from './variables.ts'
import {withTestSet} from '../model/tables.ts'
import {readWarehouse, type SettingsKinds, type WarehouseConfig} from './warehouse-settings.ts'
import {parseYamlFile, type Locate} from './yaml-file.ts'
import {LorchestraError, messageWithCauses, usageError} from '../base/errors.ts'
import {hasCode} from '../base/system-error.ts'

export type {WarehouseConfig} from './warehouse-settings.ts'

const CONFIG_FILE = 'lorchestra.yaml'
const OTHER_NAME = 'lorchestra.yml'

/** A configuration is a lorchestra.yaml that was read and checked. */
export interface Config {
  /** The absolute path of the file. */
  readonly path: string
  readonly folder: string
  /** The path as messages name it. */
  readonly shownPath: string
  readonly warehouse: WarehouseConfig
  readonly accounts: ReadonlyMap<string, AccountEntry>
  readonly jobs: ReadonlyMap<string, JobEntry>
  /** Whom to tell of runs, as written, variables unresolved. @default nobody */
  readonly notifications?: NotificationSettings
  /** The variables of the process, and those that `.env` adds. */
  readonly environment: Environment
}

/** An account's entry says whose data it is and by which source it is read. */
export interface AccountEntry {
  readonly name: string
  readonly source: string
  /** The middle part of every key. @default `<source>--<account>` */
  readonly sourceSystem: string
  /** Paths into payloads that nobody is shown. */
  readonly hiddenPaths: readonly string[]
  /** What its source may do outside of its box. */
  readonly allow: readonly Capability[]
  /** The source's own keys as written, variables unresolved. */
  readonly options: Readonly<Record<string, unknown>>
  /** Finds where an option stands. */
  readonly locate: Locate
}

/** A job's entry says what is read, and how. */
export interface JobEntry {
  readonly name: string
  readonly source: string
  readonly account?: string
  /** The middle part of every key; the account's, where there is one. @default the source */
  readonly sourceSystem: string
  /** Paths into payloads that nobody is shown; its account may have more. */
  readonly hiddenPaths: readonly string[]
  /** What its source may do outside of its box, where there is no account. */
  readonly allow: readonly Capability[]
  /** The settings that lorchestra reads itself, as written, variables unresolved. */
  readonly settings: WrittenSettings
  readonly options: Readonly<Record<string, unknown>>
  readonly locate: Locate
}

export interface ConfigRequest {
  /** The path that `--config` names. @default the nearest lorchestra.yaml, from the working folder upward */
  readonly explicitPath?: string
  readonly workingFolder: string
  readonly environment: Environment
  /** The set of test tables that is meant. @default the one without a name */
  readonly testSet?: string
  /** The kinds of warehouse that there are. */
  readonly kinds: SettingsKinds
  /** The text of the file as it would be. @default what it holds */
  readonly text?: string
}

/**
 * Reads lorchestra.yaml and checks all of it; variables of accounts and jobs stay as they are until a run needs them.
 * Throws one usage error that names every problem with its line and column.
 */
export async function loadConfig(request: ConfigRequest): Promise<Config> {
  const {explicitPath, workingFolder, environment, kinds, testSet} = request
  const path = explicitPath === undefined ? await findUpward(workingFolder) : resolve(workingFolder, explicitPath)
  const folder = dirname(path)
  const shownPath = shorten(path, workingFolder)
  const {value, locate} = parseYamlFile(request.text ?? (await readText(path, shownPath)), shownPath)
  const content = value ?? {}
  const merged = await withDotEnv(folder, environment)
  const parsed = fileSchema.safeParse(content)
  const written = isRecord(content) ? content['warehouse'] : undefined
  const {warehouse, problems} = await readWarehouse({value: written, locate, folder, environment: merged, kinds})
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
        sourceSystem: entry.source_system ?? defaultSourceSystem(entry.source, name),
        hiddenPaths: entry.mask ?? [],
        allow: entry.allow ?? [],
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
      sourceSystem: account?.sourceSystem ?? entry.source_system ?? defaultSourceSystem(source),
      hiddenPaths: entry.mask ?? [],
      allow: entry.allow ?? [],
      settings: writtenSettings(entry),
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
    warehouse: testSet === undefined ? warehouse : {...warehouse, tables: withTestSet(warehouse.tables, testSet)},
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
    const otherName = join(folder, OTHER_NAME)
    if (await isFile(otherName)) {
      throw usageError(`${otherName} is not read: the file is called ${CONFIG_FILE}`, {
        code: 'E_CONFIG_NOT_FOUND',
        next: `Rename it to ${CONFIG_FILE}, or name it with --config.`,
      })
    }
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
    return await readTextFile(path, shownPath)
  } catch (error) {
    if (error instanceof LorchestraError) throw error
    if (hasCode(error, 'EISDIR')) {
      throw usageError(`${shownPath} is a folder`, {
        code: 'E_CONFIG_NOT_FOUND',
        next: `Name the file in it: --config ${join(shownPath, CONFIG_FILE)}`,
      })
    }
    throw usageError(`${shownPath} cannot be read: ${messageWithCauses(error)}`, {
      code: 'E_CONFIG_NOT_FOUND',
      next: 'Name a file that is there; `lorchestra init` writes one to start from.',
      cause: error,
    })
  }
}

/** The path is relative where the file lies below the working folder, so that terminals make it a link either way. */
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
        message: formatIssue(issue, content),
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

const optionsOf = (entry: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(entry).filter(([key]) => !HOST_KEYS.includes(key)))

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null
