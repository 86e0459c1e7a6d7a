import type {JsonObject, JsonValue} from 'lorchestra'

import type {Auth} from './options/auth.ts'
import type {Options} from './options/shape.ts'
import type {Pages} from './options/pages.ts'
import type {Parameter, StreamOptions, WindowOptions} from './options/stream.ts'
import {presetNamed} from './preset.ts'

/** How one stream is read, with all that the preset and the job say of it. */
export interface StreamSettings {
  readonly objectType: string
  /** Whether the job reads it; else it is there for those that are read for each of its records. */
  readonly wanted: boolean
  readonly path: string
  readonly method: 'GET' | 'POST'
  readonly params: Readonly<Record<string, Parameter>>
  readonly body?: JsonObject
  readonly records: string
  readonly single: boolean
  readonly key: readonly string[]
  readonly window?: WindowOptions
  readonly pages?: Pages
  readonly total?: string
  readonly total_header?: string
  readonly empty: readonly number[]
  readonly error?: string
  readonly deleted?: NonNullable<StreamOptions['deleted']>
  readonly changes?: NonNullable<StreamOptions['changes']>
  readonly for_each?: string
  readonly parent_fields: Readonly<Record<string, string>>
}

export interface Settings {
  readonly base: URL
  readonly auth: Auth
  readonly headers: Readonly<Record<string, string>>
  readonly values: Readonly<Record<string, string | number>>
  readonly streams: ReadonlyMap<string, StreamSettings>
  readonly rateLimit?: {readonly remaining: string; readonly reset: string}
  readonly identity?: {readonly path: string; readonly field: string}
  readonly unitsPerMinute?: number
}

export type PartialOptions = Partial<Options>

/** Names the streams that the job reads. */
export function wantedNames({streams, object}: PartialOptions): readonly string[] {
  if (streams !== undefined) return Array.isArray(streams) ? streams : Object.keys(streams)
  return object === undefined ? [] : [object]
}

/** Gives options of the account in which the preset stands in for what is left out. */
export function accountOptions(options: PartialOptions): PartialOptions {
  const preset = options.preset === undefined ? undefined : presetNamed(options.preset)
  const given = Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
  const merged = {...(preset?.options as PartialOptions | undefined), ...given} as PartialOptions
  const of = (name: 'headers' | 'values') => ({...(preset?.options[name] as object | undefined), ...options[name]})
  return {...merged, headers: of('headers'), values: of('values')}
}

/** Merges what is said of a stream, from the preset over the job to its own entry. `undefined`: nothing is. */
export function streamOptions(options: PartialOptions, name: string): StreamOptions | undefined {
  const preset = options.preset === undefined ? undefined : presetNamed(options.preset)
  const ofPreset = preset !== undefined && Object.hasOwn(preset.streams, name) ? preset.streams[name] : undefined
  if (preset === undefined && !wantedNames(options).includes(name)) return undefined
  const own = ownEntry(options, name)
  const child = own.for_each !== undefined || ofPreset?.for_each !== undefined
  const common = commonOptions(options, child)
  if (ofPreset === undefined && preset !== undefined && own.path === undefined && common.path === undefined)
    return undefined
  return [preset?.each, ofPreset, common, own].reduce<StreamOptions>(
    (merged, each) => ({
      ...merged,
      ...defined(each),
      ...(merged.params !== undefined && each?.params !== undefined && {params: {...merged.params, ...each.params}}),
    }),
    {},
  )
}

function ownEntry({streams}: PartialOptions, name: string): StreamOptions {
  if (streams === undefined || Array.isArray(streams)) return {}
  return (streams as Readonly<Record<string, StreamOptions>>)[name] ?? {}
}

/** What the job says beside its streams; the records of another one have their own times. */
function commonOptions(options: PartialOptions, child: boolean): StreamOptions {
  const {window, changes, ...rest} = Object.fromEntries(
    STREAM_OPTIONS.flatMap((name) => (options[name] === undefined ? [] : [[name, options[name]]])),
  ) as StreamOptions
  return {...rest, ...(!child && window !== undefined && {window}), ...(!child && changes !== undefined && {changes})}
}

const STREAM_OPTIONS = [
  'path',
  'method',
  'params',
  'body',
  'records',
  'single',
  'key',
  'window',
  'pages',
  'total',
  'total_header',
  'empty',
  'error',
  'deleted',
  'changes',
  'for_each',
  'parent_fields',
] as const satisfies readonly (keyof StreamOptions)[]

const defined = (options: StreamOptions | undefined): StreamOptions =>
  Object.fromEntries(Object.entries(options ?? {}).filter(([, value]) => value !== undefined))

/** Names the wanted streams and those that they are read for each record of, parents first. */
export function neededNames(options: PartialOptions): readonly string[] {
  const names: string[] = []
  const add = (name: string, below: readonly string[]): void => {
    const parent = streamOptions(options, name)?.for_each
    if (parent !== undefined && !names.includes(parent) && ![...below, name].includes(parent))
      add(parent, [...below, name])
    if (!names.includes(name)) names.push(name)
  }
  for (const name of wantedNames(options)) add(name, [])
  return names
}

const known = new WeakMap<Options, Settings>()

/** Gives what checked options say. */
export function settingsOf(options: Options): Settings {
  const settings = known.get(options) ?? makeSettings(options)
  known.set(options, settings)
  return settings
}

function makeSettings(options: Options): Settings {
  const {base_url, auth, headers = {}, values = {}, rate_limit, identity, units_per_minute} = accountOptions(options)
  const wanted = wantedNames(options)
  return {
    base: new URL(base_url ?? ''),
    auth: auth ?? {type: 'none'},
    headers,
    values,
    streams: new Map(
      neededNames(options).map((name) => [
        name,
        settingsFor(name, wanted.includes(name), streamOptions(options, name) ?? {}),
      ]),
    ),
    ...(rate_limit !== undefined && {rateLimit: rate_limit}),
    ...(identity !== undefined && {identity}),
    ...(units_per_minute !== undefined && {unitsPerMinute: units_per_minute}),
  }
}

function settingsFor(objectType: string, wanted: boolean, given: StreamOptions): StreamSettings {
  const {path = '', method = 'GET', params = {}, body, records = '', single = false, key = [], empty = []} = given
  const {parent_fields = {}, window, pages, total, total_header, error, deleted, changes, for_each} = given
  return {
    objectType,
    wanted,
    path,
    method,
    params,
    records,
    single,
    key: [key].flat(),
    empty,
    parent_fields,
    ...(body !== undefined && {body}),
    ...(window !== undefined && {window}),
    ...(pages !== undefined && {pages}),
    ...(total !== undefined && {total}),
    ...(total_header !== undefined && {total_header}),
    ...(error !== undefined && {error}),
    ...(deleted !== undefined && {deleted}),
    ...(changes !== undefined && {changes}),
    ...(for_each !== undefined && {for_each}),
  }
}

/** Whether its records are selected by time: its own, or that of the records that it is read for each of. */
export function isWindowed(stream: StreamSettings, {streams}: Pick<Settings, 'streams'>): boolean {
  if (stream.window !== undefined) return true
  const parent = stream.for_each === undefined ? undefined : streams.get(stream.for_each)
  return parent !== undefined && isWindowed(parent, {streams})
}

/** What says which records a stream has, those that it is read for each of included; another one starts it anew. */
export function selectionOf(stream: StreamSettings, settings: Pick<Settings, 'streams' | 'values'>): JsonValue {
  const {path, method, params, body, records, window, changes, for_each} = stream
  const parent = for_each === undefined ? undefined : settings.streams.get(for_each)
  return {
    path,
    method,
    params,
    records,
    values: settings.values,
    ...(body !== undefined && {body}),
    ...(window !== undefined && {window: definedOf(window)}),
    ...(changes !== undefined && {changes: definedOf(changes)}),
    ...(parent !== undefined && {for_each: selectionOf(parent, settings)}),
  }
}

const definedOf = (options: Readonly<Record<string, Parameter | JsonObject | undefined>>): JsonObject =>
  Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined))
