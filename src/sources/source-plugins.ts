import type {Config as CommandLine, Interfaces} from '@oclif/core'

import {adviseOn, closeMatch} from '../base/close-match.ts'
import {failure, messageWithCauses, usageError} from '../base/errors.ts'
import {NAME} from '../model/name.ts'
import type {Source, SourceDescriptor} from '../source.ts'

export interface SourcePlugin {
  readonly name: string
  readonly version: string
  /** The way in which oclif found it: `core`, `user` or `link`. */
  readonly type: string
}

export interface ListedSource {
  readonly descriptor: SourceDescriptor
  readonly plugin: SourcePlugin
}

/** Something keeps a plugin's source from being used. */
export interface SourceFailure {
  readonly plugin: string
  readonly message: string
  readonly next: string
  /** The name of the source; missing where the plugin did not get as far as naming one. */
  readonly source?: string
}

export interface SourceList {
  readonly sources: readonly ListedSource[]
  readonly failures: readonly SourceFailure[]
}

type SourceHooks = Interfaces.Hooks & {
  'lorchestra:sources': {options: Record<string, never>; return: unknown}
}

const HOOK = 'lorchestra:sources'
const HOOK_TIMEOUT = 10_000
const REPORT = 'Update the plugin, or report it to whoever maintains it.'
const adviceToReinstall = (plugin: string): string =>
  `Install it again (\`lorchestra plugins install ${plugin}\`), or report it to whoever maintains it.`

/** Lists all sources that installed plugins offer; what is broken stands beside them. */
export async function listSources(commandLine: CommandLine): Promise<SourceList> {
  const {successes, failures: thrown} = await commandLine.runHook<typeof HOOK, SourceHooks>(
    HOOK,
    {},
    HOOK_TIMEOUT,
    true,
  )
  const failures: SourceFailure[] = thrown.map(({error, plugin}) => ({
    plugin: plugin.name,
    message: `the plugin ${plugin.name} could not say which sources it has: ${messageWithCauses(error)}`,
    next: adviceToReinstall(plugin.name),
  }))
  const answered = new Set([...successes, ...thrown].map(({plugin}) => plugin.name))
  for (const plugin of commandLine.getPluginsList()) {
    // oclif passes over a hook file without a function.
    if ((plugin.hooks[HOOK]?.length ?? 0) === 0 || answered.has(plugin.name)) continue
    failures.push({
      plugin: plugin.name,
      message: `the ${HOOK} hook of the plugin ${plugin.name} exports no function`,
      next: REPORT,
    })
  }
  const offered: ListedSource[] = []
  for (const {plugin, result} of successes) {
    for (const answer of Array.isArray(result) ? (result as unknown[]) : [result]) {
      const checked = checkDescriptor(answer, plugin.name)
      if ('plugin' in checked) failures.push(checked)
      else
        offered.push({descriptor: checked, plugin: {name: plugin.name, version: versionOf(plugin), type: plugin.type}})
    }
  }
  const {sources, duplicates} = separateDuplicates(offered)
  return {
    sources: sources.toSorted((one, other) => compare(one.descriptor.name, other.descriptor.name)),
    failures: [...failures, ...duplicates].toSorted((one, other) => compare(one.plugin, other.plugin)),
  }
}

/** Formats warnings for commands that go on without what is broken. */
export const formatFailures = (failures: readonly SourceFailure[]): string =>
  failures.map(({message, next}) => `Warning: ${message}\n  → ${next}`).join('\n')

export async function loadSource(commandLine: CommandLine, name: string): Promise<Source> {
  const {sources, failures} = await listSources(commandLine)
  const broken = failures.find(({source}) => source === name)
  if (broken !== undefined) throw failure(broken.message, {code: 'E_PLUGIN_BROKEN', next: broken.next})
  const listed = sources.find(({descriptor}) => descriptor.name === name)
  if (listed === undefined) throw unknownSource(name, sources, failures)
  const {descriptor, plugin} = listed
  const source = await load(descriptor, plugin)
  const wrong = whatIsWrongWith(source, descriptor)
  if (wrong === undefined) return source as Source
  throw failure(`the source ${name} of the plugin ${plugin.name} ${wrong}`, {code: 'E_PLUGIN_BROKEN', next: REPORT})
}

async function load(descriptor: SourceDescriptor, plugin: SourcePlugin): Promise<unknown> {
  try {
    return await descriptor.load()
  } catch (error) {
    throw failure(`the source ${descriptor.name} of the plugin ${plugin.name} could not be loaded`, {
      code: 'E_PLUGIN_BROKEN',
      next: adviceToReinstall(plugin.name),
      cause: error,
    })
  }
}

function checkDescriptor(answer: unknown, plugin: string): SourceDescriptor | SourceFailure {
  const malformed = (what: string): SourceFailure => ({
    plugin,
    message: `the plugin ${plugin} describes its source wrongly: ${what}`,
    next: REPORT,
    ...(hasName(answer) && {source: answer.name}),
  })
  if (typeof answer !== 'object' || answer === null) return malformed('expected a list of descriptors')
  const {apiVersion, name, summary, load: loader} = answer as Readonly<Record<string, unknown>>
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
  if (typeof loader !== 'function') return malformed(`${name} has no load()`)
  return answer as SourceDescriptor
}

const hasName = (value: unknown): value is {name: string} =>
  typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'

/** None of several sources with one name can be used: which one is meant is a guess. */
function separateDuplicates(offered: readonly ListedSource[]): {sources: ListedSource[]; duplicates: SourceFailure[]} {
  const names = new Set(offered.map(({descriptor}) => descriptor.name))
  const sources: ListedSource[] = []
  const duplicates: SourceFailure[] = []
  for (const name of names) {
    const group = offered.filter(({descriptor}) => descriptor.name === name)
    const plugins = group.map(({plugin}) => plugin.name).toSorted(compare)
    if (group.length === 1) sources.push(...group)
    else {
      duplicates.push({
        plugin: plugins.join(', '),
        message: `more than one plugin offers the source ${name}: ${plugins.join(', ')}`,
        next: `Remove all but one: lorchestra plugins uninstall ${plugins.at(-1) ?? ''}`,
        source: name,
      })
    }
  }
  return {sources, duplicates}
}

function unknownSource(name: string, sources: readonly ListedSource[], failures: readonly SourceFailure[]): Error {
  const names = sources.map(({descriptor}) => descriptor.name)
  const message = `no plugin offers the source ${JSON.stringify(name)}`
  const install = 'Install the plugin that does: lorchestra plugins install PACKAGE.'
  if (failures.length > 0 && closeMatch(name, names) === undefined) {
    // The wanted source may be one of theirs.
    return failure(`${message}; ${failures.map((broken) => broken.message).join('; ')}`, {
      code: 'E_SOURCE_UNKNOWN',
      next: failures[0]?.next ?? install,
    })
  }
  return usageError(message, {
    code: 'E_SOURCE_UNKNOWN',
    next: `${adviseOn(name, names, 'There is none yet.')} ${install}`,
  })
}

function whatIsWrongWith(source: unknown, descriptor: SourceDescriptor): string | undefined {
  if (typeof source !== 'object' || source === null) return 'is no object: load() must resolve to the source itself'
  const shape = source as Readonly<Record<string, unknown>>
  if (shape['apiVersion'] !== 1) return `has apiVersion ${quote(shape['apiVersion'])}, not 1`
  if (shape['name'] !== descriptor.name) return `calls itself ${quote(shape['name'])}`
  const missing = ['streams', 'idemKey', 'extract'].find((method) => typeof shape[method] !== 'function')
  if (missing !== undefined) return `has no ${missing}()`
  const odd = ['currentBookmark', 'check', 'login'].find(
    (method) => !['function', 'undefined'].includes(typeof shape[method]),
  )
  if (odd !== undefined) return `has a ${odd} that is no function`
  if (!isStandardSchema(shape['options'])) return 'has options that are no Standard Schema'
  const list = ['secrets', 'selection'].find((key) => !isListOfNames(shape[key]))
  return list === undefined ? undefined : `has ${list} that are no list of names`
}

const isStandardSchema = (value: unknown): boolean =>
  ((typeof value === 'object' && value !== null) || typeof value === 'function') &&
  typeof (value as {'~standard'?: {validate?: unknown}})['~standard']?.validate === 'function'

const isListOfNames = (value: unknown): boolean =>
  value === undefined || (Array.isArray(value) && value.every((item) => typeof item === 'string'))

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)

const quote = (value: unknown): string => (value === undefined ? 'nothing' : JSON.stringify(value))

// A plugin that is linked while it is being written may have none yet, whatever oclif's types say.
const versionOf = ({version}: {version?: string}): string => version ?? 'none'
