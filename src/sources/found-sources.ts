import {NAME} from '../model/name.ts'
import {READS, type Reads} from './box/grants.ts'
import type {DescriptorShape} from './box/source-shape.ts'
import type {PluginToAsk} from './plugin-to-ask.ts'

export interface SourcePlugin {
  readonly name: string
  readonly version: string
  /** The way in which oclif found it: `core`, `user` or `link`. */
  readonly type: string
}

/** What the host knows of a source before it is loaded. */
export interface ListedDescriptor {
  readonly name: string
  readonly summary: string
  /** What it may read beyond its own package and what options name. */
  readonly reads: readonly Reads[]
  /** It wants to start processes; its account has to allow that. */
  readonly spawn: boolean
}

export interface ListedSource {
  readonly descriptor: ListedDescriptor
  readonly plugin: SourcePlugin
}

/** Something keeps a plugin's source from being used. */
export interface SourceFailure {
  readonly plugin: string
  readonly message: string
  readonly next: string
  /** The name of the source; missing where the plugin did not get as far as naming one. */
  readonly source?: string
  /** What the plugin threw. */
  readonly cause?: unknown
}

/** A source, and where its plugin is. */
export interface FoundSource extends ListedSource {
  readonly root: string
  /** Files of its hooks. */
  readonly hooks: readonly string[]
}

/** All sources that can be loaded, and what is broken beside them. */
export interface FoundSources {
  readonly sources: readonly FoundSource[]
  readonly failures: readonly SourceFailure[]
}

export const REPORT = 'Update the plugin, or report it to whoever maintains it.'

/** Takes what a plugin says of its sources; what is wrong stands beside them. */
export function checkSources(
  shapes: readonly (DescriptorShape | null)[],
  plugin: PluginToAsk,
  hooks: readonly string[],
): FoundSources {
  const checked = shapes.map((shape) => checkDescriptor(shape, plugin.name))
  const found = {
    plugin: {name: plugin.name, version: versionOf(plugin), type: plugin.type},
    root: plugin.root,
    hooks,
  }
  return {
    sources: checked.flatMap((each) => ('plugin' in each ? [] : [{descriptor: each, ...found}])),
    failures: checked.filter((each) => 'plugin' in each),
  }
}

function checkDescriptor(answer: DescriptorShape | null, plugin: string): ListedDescriptor | SourceFailure {
  const malformed = (what: string): SourceFailure => ({
    plugin,
    message: `the plugin ${plugin} describes its source wrongly: ${what}`,
    next: REPORT,
    ...(hasName(answer) && {source: answer.name}),
  })
  if (answer === null) return malformed('expected a list of descriptors')
  const {apiVersion, name, summary, reads = [], spawn = false, load: loader} = answer
  // Other versions may look different, so this comes first.
  if (apiVersion !== 1) {
    const newer = typeof apiVersion === 'number' && apiVersion > 1
    return {
      plugin,
      message: `the plugin ${plugin} was made for version ${quote(apiVersion)} of lorchestra's source contract; this lorchestra knows version 1`,
      next: newer ? 'Upgrade lorchestra.' : `Upgrade the plugin: lorchestra plugins install ${plugin}@latest`,
      ...(hasName(answer) && {source: answer.name}),
    }
  }
  if (typeof name !== 'string' || !NAME.test(name)) return malformed(`${quote(name)} is not a name`)
  if (typeof summary !== 'string') return malformed(`${name} has no summary`)
  if (loader !== 'function') return malformed(`${name} has no load()`)
  if (!isListOfReads(reads))
    return malformed(`${name} wants to read ${quote(reads)}; there is ${Object.keys(READS).join(', ')}`)
  if (typeof spawn !== 'boolean') return malformed(`${name} has spawn ${quote(spawn)}, which is true or false`)
  return {name, summary, reads, spawn}
}

const hasName = (value: unknown): value is {name: string} =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'

const isListOfReads = (value: unknown): value is readonly Reads[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string' && Object.hasOwn(READS, item))

const quote = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

// A plugin that is linked while it is being written may have none yet, whatever oclif's types say.
const versionOf = ({version}: {version?: string}): string => version ?? 'none'
