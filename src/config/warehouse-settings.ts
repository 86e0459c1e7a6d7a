import * as z from 'zod'

import {adviseOn} from '../base/close-match.ts'
import {assertDisjointTables, type ProductionTables} from '../model/tables.ts'
import {formatIssue, pathOf, type Problem, type SchemaIssue} from './problems.ts'
import {
  adviceForVariables,
  isPlainObject,
  missingVariables,
  readVariable,
  resolveVariables,
  type Environment,
  type VariablePlace,
} from './variables.ts'
import type {Locate} from './yaml-file.ts'

export interface WarehouseConfig {
  /** The kind, as lorchestra.yaml calls it. */
  readonly type: string
  /** Production's own names, with the set of test tables that this process uses. */
  readonly tables: ProductionTables
  readonly settings: WarehouseSettings
}

/** Only the kind itself knows what they mean. They are printed as they are, and so hold no secret. */
export type WarehouseSettings = Readonly<Record<string, string | Readonly<Record<string, string>>>>

/** A settings kind is what lorchestra.yaml needs to know of a kind of warehouse; `warehouse/kind.ts` has the rest. */
export interface SettingsKind {
  /** The word for it under `warehouse:` in lorchestra.yaml, and for `lorchestra init --warehouse`. */
  readonly type: string
  /** The name that people read. */
  readonly name: string
  /** A description of it, for the rest of a line that begins with its name: `a file beside lorchestra.yaml`. */
  readonly summary: string
  /** The environment variable that chooses this kind where lorchestra.yaml has no `warehouse:`. */
  readonly chosenBy?: string
  loadSettings(): Promise<KindSettings>
}

/** The first kind is taken where the file has no `warehouse:` and no other one's variable is set. */
export type SettingsKinds = readonly [SettingsKind, ...SettingsKind[]]

export interface KindSettings<
  Keys extends z.ZodRawShape = z.ZodRawShape,
  Settings extends WarehouseSettings = WarehouseSettings,
> {
  /** All that may stand under `warehouse:` beside `type` and the names of the tables, each with a description. */
  readonly keys: Keys
  /** The environment variable that stands in for each key where the file leaves it out. */
  readonly fallbacks: {readonly [Key in keyof Keys]?: string}
  /** Settings to open the warehouse with, or what else is wrong. Contacts nothing. */
  resolve(written: z.output<z.ZodObject<Keys>>, place: VariablePlace): ResolvedSettings<Settings>
}

export type ResolvedSettings<Settings> = {readonly settings: Settings} | {readonly problem: Problem}

const tableName = z
  .string()
  .regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'a table name is letters, digits and _, and starts with no digit')
  .optional()
const TABLE_KEYS = {
  event_log: tableName.meta({
    description:
      'The table that events are appended to; its name does not begin with `test_`. EVENT_LOG_TABLE stands in for it.',
    default: 'event_log',
  }),
  raw_objects: tableName.meta({
    description:
      'The table that holds one row for each record; its name does not begin with `test_`. RAW_OBJECTS_TABLE stands in for it.',
    default: 'raw_objects',
  }),
}
const TABLE_FALLBACKS = {event_log: 'EVENT_LOG_TABLE', raw_objects: 'RAW_OBJECTS_TABLE'} as const

/** The shape of `warehouse:`, whichever of the kinds it is. */
export async function warehouseSchema([first, ...others]: SettingsKinds) {
  return z.discriminatedUnion('type', [await schemaOf(first), ...(await Promise.all(others.map(schemaOf)))])
}

async function schemaOf(kind: SettingsKind) {
  const {type, name, summary} = kind
  const {keys} = await kind.loadSettings()
  return z.strictObject({
    type: z.literal(type).meta({description: `${name}: ${summary}`}),
    ...keys,
    ...TABLE_KEYS,
  })
}

export interface WarehouseEntry {
  /** The value that the file gives; `undefined` where it says nothing. */
  readonly value: unknown
  readonly locate: Locate
  readonly folder: string
  readonly environment: Environment
  readonly kinds: SettingsKinds
}

/** Throws where the production and the test tables would not be four different ones, or production's are named as test tables. */
export async function readWarehouse(
  entry: WarehouseEntry,
): Promise<{warehouse?: WarehouseConfig; problems: readonly Problem[]}> {
  const {value, locate, folder, environment, kinds} = entry
  const missing = missingVariables(value, environment)
  if (missing.length > 0) {
    const problems = missing.map((name) => ({
      position: locate(['warehouse']),
      message: `the environment variable ${name} is not set or empty`,
      advice: adviceForVariables(folder),
      code: 'E_VARIABLE_MISSING' as const,
    }))
    return {problems}
  }
  const written = resolveVariables(value, environment) ?? {type: kindWithoutSettings(kinds, environment).type}
  const kind = isPlainObject(written) ? kinds.find(({type}) => type === written['type']) : undefined
  const known = await kind?.loadSettings()
  const fallbacks: Fallbacks = {...known?.fallbacks, ...TABLE_FALLBACKS}
  const settings = withFallbacks(written, fallbacks, environment)
  const parsed = (await warehouseSchema(kinds)).safeParse(settings)
  if (!parsed.success || known === undefined) {
    const keys = Object.keys({type: true, ...known?.keys, ...TABLE_KEYS})
    const issues = parsed.error?.issues ?? []
    return {problems: issues.flatMap((issue) => problemsOf(issue, settings, {entry, fallbacks, keys}))}
  }
  const {data} = parsed
  const tables = {eventLog: data.event_log ?? 'event_log', rawObjects: data.raw_objects ?? 'raw_objects'}
  assertDisjointTables(tables)
  const resolved = known.resolve(data, {folder, environment})
  if ('problem' in resolved) return {problems: [resolved.problem]}
  return {warehouse: {type: data.type, tables, settings: resolved.settings}, problems: []}
}

const kindWithoutSettings = (kinds: SettingsKinds, environment: Environment): SettingsKind =>
  kinds.find(({chosenBy}) => chosenBy !== undefined && readVariable(environment, chosenBy) !== undefined) ?? kinds[0]

type Fallbacks = Readonly<Record<string, string | undefined>>

function withFallbacks(written: unknown, fallbacks: Fallbacks, environment: Environment): unknown {
  if (!isPlainObject(written)) return written
  const filled = {...written}
  for (const [key, variable] of Object.entries(fallbacks)) {
    if (variable !== undefined) filled[key] ??= readVariable(environment, variable)
  }
  return filled
}

interface IssueContext {
  readonly entry: WarehouseEntry
  readonly fallbacks: Fallbacks
  readonly keys: readonly string[]
}

function problemsOf(issue: SchemaIssue, settings: unknown, {entry, fallbacks, keys}: IssueContext): readonly Problem[] {
  const {value, locate, kinds} = entry
  if (issue.keys !== undefined) {
    const type = isPlainObject(settings) ? settings['type'] : undefined
    const parents = pathOf(issue)
    const [place, known] =
      parents.length === 0 ? [`a ${String(type)} warehouse`, keys] : [['warehouse', ...parents].join('.'), []]
    return issue.keys.map((key) => ({
      position: locate(['warehouse', ...parents, key]),
      message: `unknown key ${JSON.stringify(key)} in ${place}`,
      advice: adviseOn(key, known, ''),
    }))
  }
  const path = ['warehouse', ...pathOf(issue)]
  const [, key] = path
  const variable = typeof key === 'string' ? fallbacks[key] : undefined
  const fromFile = isPlainObject(value) && typeof key === 'string' && Object.hasOwn(value, key)
  const set = isPlainObject(settings) && typeof key === 'string' && settings[key] !== undefined
  return [
    {
      position: !fromFile && set && variable !== undefined ? variable : locate(path),
      message: formatIssue({...issue, path}, {warehouse: settings}),
      ...(!set && variable !== undefined && {advice: `Set it in the file, or set ${variable}.`}),
      ...(key === 'type' && {advice: `It is ${oneOf(kinds.map(({type}) => type))}.`}),
    },
  ]
}

const oneOf = (words: readonly string[]): string => new Intl.ListFormat('en', {type: 'disjunction'}).format(words)
