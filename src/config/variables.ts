import {join} from 'node:path'

import {usageError} from '../base/errors.ts'

export type Environment = Readonly<Record<string, string | undefined>>

const VARIABLE = /\$\$\{|\$\{([A-Za-z_][A-Za-z0-9_]*)\}|\$\{/g

/** Shells know it without braces, PowerShell as `$env:NAME`; here it would stay text. */
const OF_A_SHELL = /(?:^|[\s/:@=,;"'([])(\$(?:env:)?([A-Z_][A-Z0-9_]+))(?![\w}])/

/** Finds a variable that a shell would replace: as it stands there, and its name. */
export function variableOfShell(text: string): {readonly written: string; readonly name: string} | undefined {
  const [, written, name] = OF_A_SHELL.exec(text) ?? []
  return written === undefined || name === undefined ? undefined : {written, name}
}

/** Names the variable that stands for an option of an account. */
export const variableOf = (source: string, account: string, option: string): string =>
  `${source}_${account}_${option}`.toUpperCase().replaceAll(/[^A-Z0-9]/g, '_')

export const hasMalformedVariable = (text: string): boolean =>
  [...text.matchAll(VARIABLE)].some(([match]) => match === '${')

/** Names the variables in all strings of a value, each once. */
export function variablesIn(value: unknown): readonly string[] {
  const names = new Set<string>()
  mapStrings(value, (text) => {
    for (const [, name] of text.matchAll(VARIABLE)) if (name !== undefined) names.add(name)
    return text
  })
  return [...names]
}

/** Names the variables that are not set. An empty one counts as missing: it is what an unfilled .env leaves behind. */
export const missingVariables = (value: unknown, environment: Environment): readonly string[] =>
  variablesIn(value).filter((name) => readVariable(environment, name) === undefined)

export const readVariable = (environment: Environment, name: string): string | undefined => {
  const value = Object.hasOwn(environment, name) ? environment[name] : undefined
  return value === '' ? undefined : value
}

/** Replaces the variables of a value; call it where none is missing. */
export const resolveVariables = (value: unknown, environment: Environment): unknown =>
  mapStrings(value, (text) =>
    text.replaceAll(VARIABLE, (match, name: string | undefined) =>
      match === '$${' ? '${' : name === undefined ? match : (readVariable(environment, name) ?? ''),
    ),
  )

/** Makes a copy in which every string is replaced that is a value somewhere inside; keys stay as they are. */
export function mapStrings(value: unknown, change: (text: string) => string): unknown {
  if (typeof value === 'string') return change(value)
  if (Array.isArray(value)) return value.map((item) => mapStrings(item, change))
  if (!isPlainObject(value)) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, mapStrings(item, change)]))
}

/** Tells a plain object from a Date, a Map or another one that has an inside of its own. */
export function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

export const adviceForVariables = (folder: string, count = 1): string =>
  `Export ${count === 1 ? 'it' : 'them'}, or put ${count === 1 ? 'it' : 'them'} into ${join(folder, '.env')}.`

/** Throws a usage error that names all missing variables at once. */
export function assertVariablesAreSet(subject: string, value: unknown, place: VariablePlace): void {
  const missing = missingVariables(value, place.environment)
  if (missing.length === 0) return
  throw usageError(
    `${subject} needs the environment variable${missing.length === 1 ? '' : 's'} ${missing.join(', ')}, not set or empty`,
    {code: 'E_VARIABLE_MISSING', next: adviceForVariables(place.folder, missing.length)},
  )
}

export interface VariablePlace {
  readonly environment: Environment
  /** The folder where `.env` is looked for. */
  readonly folder: string
}
