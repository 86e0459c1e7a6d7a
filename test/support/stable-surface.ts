import {readFileSync} from 'node:fs'
import {readdir, readFile} from 'node:fs/promises'
import {join} from 'node:path'

import {PACKAGE} from './package-copy.ts'

/** Baseline of the last release: what users may build on, one promise a line, under the name of its surface. */
const BASELINE = join(PACKAGE, 'test', 'support', 'stable-surface.txt')

/** `RENEW_STABLE=1` writes what there is now; for a release, see docs/stability.md. */
export const RENEWS_BASELINE = (process.env['RENEW_STABLE'] ?? '') !== ''

export function readBaseline(): ReadonlyMap<string, readonly string[]> {
  const sections = readFileSync(BASELINE, 'utf8').split(/^## /m).slice(1)
  return new Map(
    sections.map((section) => {
      const [name = '', ...lines] = section.trimEnd().split('\n')
      return [name, lines.filter((line) => line !== '')]
    }),
  )
}

export const baselineText = (surfaces: ReadonlyMap<string, readonly string[]>): string =>
  [...surfaces].map(([name, lines]) => `## ${name}\n\n${lines.join('\n')}\n`).join('\n')

export const BASELINE_FILE = BASELINE

interface Schema {
  readonly $ref?: string
  readonly $defs?: Readonly<Record<string, Schema>>
  readonly type?: string | readonly string[]
  readonly const?: unknown
  readonly enum?: readonly unknown[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly additionalProperties?: boolean | Schema
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
}

interface Place {
  readonly types: Set<string>
  readonly values: Set<string>
  always: boolean
}

/** Each place in values of a schema, with all types that may stand there. */
function placesIn(root: Schema): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>()
  const walk = (schema: Schema, path: string, always: boolean, refs: readonly string[]): void => {
    const {$ref} = schema
    if ($ref !== undefined) {
      const name = $ref.split('/').at(-1) ?? ''
      if (refs.includes(name)) return
      return walk(root.$defs?.[name] ?? {}, path, always, [...refs, name])
    }
    const place = places.get(path) ?? {types: new Set<string>(), values: new Set<string>(), always: true}
    place.always &&= always
    places.set(path, place)
    for (const type of [schema.type ?? []].flat()) place.types.add(type)
    for (const value of [...(schema.enum ?? []), ...('const' in schema ? [schema.const] : [])])
      place.values.add(JSON.stringify(value))
    for (const branch of [...(schema.anyOf ?? []), ...(schema.oneOf ?? []), ...(schema.allOf ?? [])])
      walk(branch, path, always, refs)
    for (const [name, member] of Object.entries(schema.properties ?? {}))
      walk(member, path === '' ? name : `${path}.${name}`, schema.required?.includes(name) === true, refs)
    if (schema.items !== undefined) walk(schema.items, `${path}[]`, always, refs)
    if (typeof schema.additionalProperties === 'object') walk(schema.additionalProperties, `${path}.*`, false, refs)
  }
  walk(root, '', true, [])
  return places
}

const json = async <Value>(...path: readonly string[]): Promise<Value> =>
  JSON.parse(await readFile(join(PACKAGE, ...path), 'utf8')) as Value

/** What a document holds is read: a type that may come besides is as bad as one that is gone. */
export async function documentMembers(): Promise<readonly string[]> {
  const files = (await readdir(join(PACKAGE, 'docs', 'json'))).filter((file) => file.endsWith('.schema.json'))
  const lines: string[] = []
  for (const file of files.toSorted()) {
    const name = file.replace('.schema.json', '')
    for (const [path, {types, values, always}] of placesIn(await json<Schema>('docs', 'json', file))) {
      if (path !== '') lines.push(`${name} ${path}: ${[...types].toSorted().join('|')}${always ? '' : ' or missing'}`)
      // Codes of errors are promised once, for all documents.
      if (!path.endsWith('error.code')) for (const value of values) lines.push(`${name} ${path} = ${value}`)
    }
  }
  return lines
}

/** What a user writes into lorchestra.yaml: each type and value is a promise of its own, and more may come. */
export async function configurationKeys(): Promise<readonly string[]> {
  return [...placesIn(await json<Schema>('lorchestra.schema.json'))].flatMap(([path, {types, values}]) =>
    path === ''
      ? []
      : [...[...types].map((type) => `${path}: ${type}`), ...[...values].map((value) => `${path} = ${value}`)],
  )
}

interface Manifest {
  readonly commands: Readonly<Record<string, Command>>
}
interface Command {
  readonly aliases: readonly string[]
  readonly args: Readonly<Record<string, Input>>
  readonly flags: Readonly<Record<string, Input>>
}
interface Input {
  readonly type?: string
  readonly char?: string
  readonly multiple?: boolean
  readonly required?: boolean
  readonly default?: unknown
  readonly options?: readonly string[]
}

export async function commandsAndFlags(): Promise<readonly string[]> {
  const {commands} = await json<Manifest>('oclif.manifest.json')
  return Object.entries(commands).flatMap(([id, {aliases, args, flags}]) => {
    const command = id.replaceAll(':', ' ')
    const inputs = [
      ...Object.entries(args).map(([name, arg]) => [name.toUpperCase(), arg] as const),
      ...Object.entries(flags).map(([name, flag]) => [`--${name}`, flag] as const),
    ]
    return [
      command,
      ...aliases.map((alias) => `${command} is ${alias}, too`),
      ...inputs.flatMap(([name, {type, char, multiple, default: preset, options = []}]) => [
        `${command} ${name}${type === undefined ? '' : `: ${type}`}${multiple === true ? ', several' : ''}`,
        ...(char === undefined ? [] : [`${command} ${name} is -${char}, too`]),
        ...(preset === undefined ? [] : [`${command} ${name} by default ${JSON.stringify(preset)}`]),
        ...options.map((option) => `${command} ${name} = ${option}`),
      ]),
    ]
  })
}

/** Whoever called a command before did not give these, if they are new. */
export async function requiredInputs(): Promise<readonly string[]> {
  const {commands} = await json<Manifest>('oclif.manifest.json')
  return Object.entries(commands).flatMap(([id, {args, flags}]) =>
    [...Object.entries(args), ...Object.entries(flags)]
      .filter(([, {required}]) => required === true)
      .map(([name]) => `${id.replaceAll(':', ' ')} ${name}`),
  )
}

/** Members of each type that plugins see, as they are declared. */
export async function contractMembers(): Promise<readonly string[]> {
  const texts = await Promise.all(
    ['source.ts', 'source-http.ts'].map(async (file) => readFile(join(PACKAGE, 'src', file), 'utf8')),
  )
  const code = texts.join('\n').replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  const interfaces = [...code.matchAll(/^export interface (\w+)([^{]*)\{\n(.*?)^\}/gms)].flatMap(
    ([, name = '', rest = '', body = '']) => [
      ...(rest.trim() === '' ? [] : [oneLine(`${name}${rest}`)]),
      ...membersOf(body).map((member) => `${name}.${member}`),
    ],
  )
  const types = [...code.matchAll(/^export type (\w+[^=]*?) =\n?(.*?)(?=\n(?:export|$|\/))/gms)].map(
    ([, name = '', definition = '']) => `${name} = ${oneLine(definition)}`,
  )
  return [...interfaces, ...types]
}

/** A member begins at the first indentation. */
const membersOf = (body: string): readonly string[] =>
  body
    .split(/\n(?= {2}\S)/)
    .map(oneLine)
    .filter((member) => member !== '' && !/^[})]/.test(member))

const oneLine = (text: string): string => text.replaceAll(/\s+/g, ' ').trim()
