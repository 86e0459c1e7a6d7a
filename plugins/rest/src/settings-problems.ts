import type {JsonValue} from 'lorchestra'

import type {Options} from './options/shape.ts'
import type {StreamOptions} from './options/stream.ts'
import {presetNamed} from './preset.ts'
import {accountOptions, neededNames, streamOptions, wantedNames, type PartialOptions} from './settings.ts'
import {placeholdersIn} from './template.ts'

export interface SettingsProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** Says what is missing in options, or does not go together, once the preset has its say. */
export function problemsOf(given: Options): readonly SettingsProblem[] {
  const account = accountOptions(given)
  const problems: SettingsProblem[] = []
  if (account.base_url === undefined && presetNamed(given.preset ?? '')?.needs['base_url'] === undefined)
    problems.push({path: ['base_url'], message: 'is the address that paths begin at; it is missing'})
  problems.push(...problemsOfAuth(account), ...problemsOfPreset(given))
  problems.push(...problemsOfNames(given))
  for (const name of neededNames(given)) problems.push(...problemsOfStream(given, account, name))
  return problems
}

function problemsOfPreset({preset = '', ...given}: Options): readonly SettingsProblem[] {
  const said: Readonly<Record<string, unknown>> = given
  return Object.entries(presetNamed(preset)?.needs ?? {})
    .filter(([name]) => said[name] === undefined || Object.keys(said[name] as object).length === 0)
    .map(([name, example]) => ({path: [name], message: `is missing; the preset ${preset} takes ${example}`}))
}

function problemsOfAuth({auth, base_url}: PartialOptions): readonly SettingsProblem[] {
  if (auth === undefined || !('client_auth' in auth) || auth.client_auth === 'body') return []
  if (base_url !== undefined && originOf(auth.token_url) === originOf(base_url)) return []
  const message =
    'cannot be basic where token_url is on another host than base_url: an Authorization header goes to one host'
  return [{path: ['auth', 'client_auth'], message}]
}

const originOf = (address: string): string => (URL.canParse(address) ? new URL(address).origin : address)

function problemsOfNames(given: Options): readonly SettingsProblem[] {
  const {object, streams, preset} = given
  if (streams !== undefined && object !== undefined)
    return [{path: ['object'], message: 'is for a job with one stream; the keys of streams name several'}]
  if (wantedNames(given).length > 0) return []
  const names = preset === undefined ? [] : Object.keys(presetNamed(preset)?.streams ?? {})
  const advice = names.length > 0 ? `one of ${names.join(', ')}, or several of them under streams` : 'ticket, say'
  return [{path: ['object'], message: `names what is read, and what keys begin with: ${advice}; it is missing`}]
}

function problemsOfStream(given: Options, account: PartialOptions, name: string): readonly SettingsProblem[] {
  const stream = streamOptions(given, name)
  const at = (option: string): readonly string[] => pathTo(given, name, option)
  if (stream === undefined) {
    const {preset = ''} = given
    const names = Object.keys(presetNamed(preset)?.streams ?? {}).join(', ')
    return [{path: at('path'), message: `is missing: the preset ${preset} has no stream ${name}, but ${names}`}]
  }
  const problems: SettingsProblem[] = []
  const refuse = (option: string, message: string): void => void problems.push({path: at(option), message})
  if (stream.path === undefined) refuse('path', 'is where the service lists the records; it is missing')
  if (stream.key === undefined) refuse('key', "is where a record holds its id, 'id' say; it is missing")
  if (stream.records === undefined && stream.single !== true)
    refuse('records', "is where the answer holds the list of records; '' where the answer is the list. It is missing")
  if (stream.body !== undefined && stream.method !== 'POST') refuse('body', 'needs method: POST')
  problems.push(...problemsOfTime(stream, refuse))
  for (const unknown of unknownPlaceholders(stream, account))
    refuse(
      'path',
      `has {${unknown}}, which stands for nothing: not one of values, window.since, window.until or a member of for_each`,
    )
  if (stream.for_each !== undefined) problems.push(...problemsOfParent(given, name, stream, at('for_each')))
  else if (Object.keys(stream.parent_fields ?? {}).length > 0) refuse('parent_fields', 'needs for_each')
  return problems
}

/** Where the entry of the stream does not say it itself, it stands beside the streams. */
function pathTo({streams}: Options, name: string, option: string): readonly string[] {
  const own = streams !== undefined && !Array.isArray(streams) && Object.hasOwn(streams, name)
  return own ? ['streams', name, option] : [option]
}

function problemsOfTime(
  {window, changes, params, body, path, for_each}: StreamOptions,
  refuse: (option: string, message: string) => void,
): readonly SettingsProblem[] {
  const placed = placeholdersIn([path ?? null, params ?? null, body ?? null] as readonly JsonValue[])
  const asks = (end: 'since' | 'until'): boolean => window?.[end] !== undefined || placed.includes(`window.${end}`)
  if (window !== undefined && window.field === undefined && !(asks('since') && asks('until')))
    refuse('window', 'needs field, the time in a record, where the service is not asked for both since and until')
  if (window === undefined && (asks('since') || asks('until')) && for_each === undefined)
    refuse('window', 'is missing: {window.since} needs the format of times')
  if (window?.order !== undefined && window.field === undefined) refuse('window', 'needs field beside order')
  if (changes === undefined) return []
  if ((changes.path === undefined) === (changes.last === undefined))
    refuse('changes', 'needs path, where the last page holds the cursor, or last, where the last record does')
  if (window !== undefined) refuse('changes', 'stands in for window; leave one of them out')
  if (for_each !== undefined) refuse('changes', 'cannot go with for_each: there would be a cursor for each record')
  return []
}

function unknownPlaceholders(
  {path, params, for_each}: StreamOptions,
  {values = {}, headers}: PartialOptions,
): readonly string[] {
  return placeholdersIn([path ?? null, params ?? null, headers ?? null] as readonly JsonValue[]).filter(
    (name) =>
      !Object.hasOwn(values, name) &&
      name !== 'window.since' &&
      name !== 'window.until' &&
      (for_each === undefined || !name.includes('.')),
  )
}

function problemsOfParent(
  given: Options,
  name: string,
  {for_each = ''}: StreamOptions,
  path: readonly string[],
): readonly SettingsProblem[] {
  const seen = new Set([name])
  for (
    let parent: string | undefined = for_each;
    parent !== undefined;
    parent = streamOptions(given, parent)?.for_each
  ) {
    if (seen.has(parent))
      return [{path, message: `leads back to ${parent}: no stream can be read for each of its own records`}]
    seen.add(parent)
  }
  const isThere =
    wantedNames(given).includes(for_each) ||
    (given.preset !== undefined && streamOptions(given, for_each) !== undefined)
  return isThere ? [] : [{path, message: `names ${for_each}, which is none of the streams of this job`}]
}
