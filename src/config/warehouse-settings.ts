import {resolve} from 'node:path'

import {assertDisjointTables, type TableSet} from '../model/tables.ts'
import {warehouseKeys, warehouseSchema} from './file-schema.ts'
import {adviseOn} from '../base/close-match.ts'
import {describeIssue, pathOf, type Problem, type SchemaIssue} from './problems.ts'
import {
  adviceForVariables,
  isPlainObject,
  missingVariables,
  readVariable,
  resolveVariables,
  type Environment,
} from './variables.ts'
import type {Locate} from './yaml-file.ts'

/** Production's own names. */
export type TableNames = TableSet

export type WarehouseConfig =
  | {readonly type: 'duckdb'; readonly path: string; readonly tables: TableNames}
  | {
      readonly type: 'bigquery'
      readonly project: string
      readonly dataset: string
      readonly location?: string
      /** A decimal whole number. */
      readonly maxBytesBilled?: string
      /** A duration: an unchanged row's `last_seen` may lag behind by so much. */
      readonly touchAfter: string
      /** The origin of an emulator, which gets no credentials. */
      readonly apiEndpoint?: string
      /** Of GOOGLE_APPLICATION_CREDENTIALS. */
      readonly credentialsFile?: string
      readonly tables: TableNames
    }

const FALLBACKS = {
  project: 'GCP_PROJECT',
  dataset: 'EVENTS_BQ_DATASET',
  event_log: 'EVENT_LOG_TABLE',
  raw_objects: 'RAW_OBJECTS_TABLE',
} as const
const BIGQUERY_FALLBACKS = ['project', 'dataset', 'event_log', 'raw_objects'] as const
/** Moving `last_seen` bills what it rewrites, so a daily run that reads back some days must not do it every day. */
const TOUCH_AFTER = '7d'
/** Google's own libraries read it too, but not from .env. */
const CREDENTIALS = 'GOOGLE_APPLICATION_CREDENTIALS'
/** Google's client libraries follow it; a variable that is left over must not decide where records go. */
const EMULATOR = 'BIGQUERY_EMULATOR_HOST'
const EMULATOR_REFUSED = 'the variable is set, and lorchestra takes an emulator from lorchestra.yaml alone'
const EMULATOR_ADVICE = 'Set warehouse.api_endpoint to its address, or unset the variable to use Google BigQuery.'
const DUCKDB_FALLBACKS = ['event_log', 'raw_objects'] as const

export interface WarehouseEntry {
  /** What the file says; `undefined` where it says nothing. */
  readonly value: unknown
  readonly locate: Locate
  readonly folder: string
  readonly environment: Environment
}

/** Throws where the production and the test tables would not be four different ones. */
export function readWarehouse(source: WarehouseEntry): {warehouse?: WarehouseConfig; problems: readonly Problem[]} {
  const {value, locate, folder, environment} = source
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
  const settings = withFallbacks(resolveVariables(value, environment), environment)
  const parsed = warehouseSchema.safeParse(settings)
  if (!parsed.success) {
    return {problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, settings, source))}
  }
  const {data} = parsed
  const tables = {eventLog: data.event_log ?? 'event_log', rawObjects: data.raw_objects ?? 'raw_objects'}
  assertDisjointTables(tables)
  if (data.type === 'duckdb') {
    return {warehouse: {type: 'duckdb', path: resolve(folder, data.path ?? 'lorchestra.duckdb'), tables}, problems: []}
  }
  const {type, project, dataset, location} = data
  const {max_bytes_billed: maxBytesBilled, touch_after: touchAfter = TOUCH_AFTER, api_endpoint: endpoint} = data
  if (endpoint === undefined && readVariable(environment, EMULATOR) !== undefined) {
    return {problems: [{position: EMULATOR, message: EMULATOR_REFUSED, advice: EMULATOR_ADVICE}]}
  }
  const credentialsFile = endpoint === undefined ? readVariable(environment, CREDENTIALS) : undefined
  return {
    warehouse: {
      type,
      project,
      dataset,
      ...(location !== undefined && {location}),
      ...(maxBytesBilled !== undefined && {maxBytesBilled: BigInt(maxBytesBilled).toString()}),
      touchAfter,
      ...(endpoint !== undefined && {apiEndpoint: new URL(endpoint).origin}),
      ...(credentialsFile !== undefined && {credentialsFile}),
      tables,
    },
    problems: [],
  }
}

function withFallbacks(written: unknown, environment: Environment): unknown {
  const fallbackType = readVariable(environment, FALLBACKS.dataset) === undefined ? 'duckdb' : 'bigquery'
  const settings: unknown = written ?? {type: fallbackType}
  if (!isPlainObject(settings)) return settings
  const filled = {...settings}
  for (const key of settings['type'] === 'bigquery' ? BIGQUERY_FALLBACKS : DUCKDB_FALLBACKS) {
    filled[key] ??= readVariable(environment, FALLBACKS[key])
  }
  return filled
}

function problemsOf(issue: SchemaIssue, settings: unknown, {value, locate}: WarehouseEntry): readonly Problem[] {
  if (issue.keys !== undefined) {
    const type = isPlainObject(settings) ? settings['type'] : undefined
    return issue.keys.map((key) => ({
      position: locate(['warehouse', key]),
      message: `unknown key ${JSON.stringify(key)} in a ${String(type)} warehouse`,
      advice: adviseOn(key, warehouseKeys(type), ''),
    }))
  }
  const path = ['warehouse', ...pathOf(issue)]
  const [, key] = path
  const variable = typeof key === 'string' ? (FALLBACKS as Readonly<Record<string, string>>)[key] : undefined
  const fromFile = isPlainObject(value) && typeof key === 'string' && Object.hasOwn(value, key)
  const set = isPlainObject(settings) && typeof key === 'string' && settings[key] !== undefined
  return [
    {
      position: !fromFile && set && variable !== undefined ? variable : locate(path),
      message: describeIssue({...issue, path}, {warehouse: settings}),
      ...(!set && variable !== undefined && {advice: `Set it in the file, or set ${variable}.`}),
      ...(key === 'type' && {advice: 'It is duckdb or bigquery.'}),
    },
  ]
}
