import {readdirSync, readFileSync} from 'node:fs'
import {createRequire} from 'node:module'
import {dirname, join} from 'node:path'

import {stream, type StreamOptions} from './options/stream.ts'

/** A preset is what the documentation of a known service says, so that a job names streams alone. */
export interface Preset {
  readonly summary: string
  /** Pages of the service's documentation that say so. */
  readonly documentation: readonly string[]
  /** Options that every account has to say itself, with an example. */
  readonly needs: Readonly<Record<string, string>>
  /** Options that stand in for those that are left out. */
  readonly options: Readonly<Record<string, unknown>>
  /** What each of its streams has in common. */
  readonly each?: StreamOptions
  readonly streams: Readonly<Record<string, StreamOptions>>
}

const folder = join(dirname(createRequire(import.meta.url).resolve('@lorchestra/rest/package.json')), 'presets')

let names: readonly string[] | undefined
const presets = new Map<string, Preset>()

export function presetNames(): readonly string[] {
  names ??= readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .map((file) => file.slice(0, -'.json'.length))
    .toSorted()
  return names
}

export function presetNamed(name: string): Preset | undefined {
  if (!presetNames().includes(name)) return undefined
  const preset = presets.get(name) ?? read(name)
  presets.set(name, preset)
  return preset
}

/** Says what each preset is for and which streams it has, in the order of their names. */
export const presetSummaries = (): readonly string[] =>
  presetNames().map((name) => {
    const {summary, streams} = fileOf(name)
    return `${summary}; streams: ${Object.keys(streams).join(', ')}`
  })

const fileOf = (name: string): Preset => JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Preset

function read(name: string): Preset {
  const preset = fileOf(name)
  const streams = Object.entries(preset.streams).map(([objectType, given]) => [objectType, stream.parse(given)])
  return {
    ...preset,
    each: stream.parse(preset.each ?? {}),
    streams: Object.fromEntries(streams) as Preset['streams'],
  }
}
