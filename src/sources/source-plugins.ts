import type {z} from 'zod'

import {adviseOn, closeMatch} from '../base/close-match.ts'
import {failure, messageWithCauses, usageError} from '../base/errors.ts'
import type {Capability} from '../model/capability.ts'
import {Box} from './box/box.ts'
import type {BoxListeners} from './box/box-questions.ts'
import {answers} from './box/box-messages.ts'
import {boxedSource} from './box/boxed-source.ts'
import {capabilityGrants, ownGrants, spawnGrants, together} from './box/grants.ts'
import type {HostedSource} from './box/hosted-source.ts'
import {foreignCodeOf, SOURCES_HOOK} from '../base/foreign-code.ts'
import type {SourceShape} from './box/source-shape.ts'
import {
  checkSources,
  REPORT,
  type FoundSource,
  type FoundSources,
  type ListedDescriptor,
  type ListedSource,
  type SourceFailure,
} from './found-sources.ts'
import {sourcesOfOurs} from './own-plugins.ts'
import {hookFilesOf, type PluginToAsk} from './plugin-to-ask.ts'

/** The part of oclif's that knows which plugins there are. */
interface CommandLine {
  getPluginsList(): readonly PluginToAsk[]
}

export interface SourceList {
  readonly sources: readonly ListedSource[]
  readonly failures: readonly SourceFailure[]
}

const HOOK_SECONDS = 10
const adviceToReinstall = (plugin: string): string =>
  `Install it again (\`lorchestra plugins install ${plugin}\`), or report it to whoever maintains it.`

/** Lists all sources that installed plugins offer; what is broken stands beside them. */
export async function listSources(commandLine: CommandLine): Promise<SourceList> {
  const {sources, failures} = await findSources(commandLine)
  return {sources: sources.map(({descriptor, plugin}) => ({descriptor, plugin})), failures}
}

/** Each plugin answers in a box of its own, so none can speak for another. */
export async function findSources(commandLine: CommandLine): Promise<FoundSources> {
  const plugins = commandLine
    .getPluginsList()
    .filter((plugin) => (plugin.hooks[SOURCES_HOOK]?.length ?? 0) + foreignCodeOf(plugin).length > 0)
  const asked = await Promise.all(plugins.map(async (plugin) => refusalOf(plugin) ?? sourcesOf(plugin)))
  const {sources, duplicates} = separateDuplicates(asked.flatMap((found) => found.sources))
  return {
    sources: sources.toSorted((one, other) => compare(one.descriptor.name, other.descriptor.name)),
    failures: [...asked.flatMap((found) => found.failures), ...duplicates].toSorted((one, other) =>
      compare(one.plugin, other.plugin),
    ),
  }
}

/** A plugin that would run code outside of a box is used for nothing. */
function refusalOf(plugin: PluginToAsk): FoundSources | undefined {
  const foreign = foreignCodeOf(plugin)
  if (foreign.length === 0) return undefined
  const refusal = {
    plugin: plugin.name,
    message: `the plugin ${plugin.name} brings ${foreign.join(', ')}, which would run in lorchestra itself; none of it is run, and none of its sources is used`,
    next: `Uninstall it (\`lorchestra plugins uninstall ${plugin.name}\`), or ask whoever maintains it for one with the hook ${SOURCES_HOOK} alone.`,
  }
  return {sources: [], failures: [refusal]}
}

async function sourcesOf(plugin: PluginToAsk): Promise<FoundSources> {
  const hooks = hookFilesOf(plugin)
  const ours = sourcesOfOurs(plugin)
  if (ours !== undefined) return checkSources(ours, plugin, hooks)
  const box = new Box(ownGrants(plugin.root))
  const sources: FoundSource[] = []
  const failures: SourceFailure[] = []
  try {
    const listed = box.call(answers.list, 'list', hooks)
    for (const answer of await box.withinSeconds(HOOK_SECONDS, listed, `it took longer than ${HOOK_SECONDS} s`)) {
      if ('problem' in answer)
        failures.push({
          plugin: plugin.name,
          message: `the ${SOURCES_HOOK} hook of the plugin ${plugin.name} exports no function`,
          next: REPORT,
        })
      else {
        const checked = checkSources(answer.descriptors, plugin, hooks)
        sources.push(...checked.sources)
        failures.push(...checked.failures)
      }
    }
  } catch (error) {
    failures.push({
      plugin: plugin.name,
      message: `the plugin ${plugin.name} could not say which sources it has: ${messageWithCauses(error)}`,
      next: adviceToReinstall(plugin.name),
      cause: error,
    })
  } finally {
    box.close()
  }
  return {sources, failures}
}

/** Formats warnings for commands that go on without what is broken. */
export const formatFailures = (failures: readonly SourceFailure[]): string =>
  failures.map(({message, next}) => `Warning: ${message}\n  → ${next}`).join('\n')

/** What a source gets beyond its own package, and who hears what it says. */
export interface SourceAccess extends BoxListeners {
  /** The folder of lorchestra.yaml, where relative paths start. */
  readonly folder: string
  /** Files and folders that the options name. */
  readonly paths: readonly string[]
  /** What the user lets it do outside of its box. */
  readonly allow: readonly Capability[]
  /** More variables for its environment; only the conformance suite has any. */
  readonly environment?: Readonly<Record<string, string>>
}

export interface LoadedSource {
  readonly source: HostedSource
  readonly box: Box
}

/** Loads a source into a box of its own. */
export async function loadSource(
  {sources, failures}: FoundSources,
  name: string,
  access: SourceAccess,
): Promise<LoadedSource> {
  const listed = sources.find(({descriptor}) => descriptor.name === name)
  const broken = failures.find(({source}) => source === name)
  if (broken !== undefined) throw failure(broken.message, {code: 'E_PLUGIN_BROKEN', next: broken.next})
  if (listed === undefined) throw unknownSource(name, sources, failures)
  const box = boxFor(listed, access)
  try {
    await box.call(answers.list, 'list', listed.hooks)
    const source = await load(listed, box, access.folder)
    return {source: {...source, ...(maySpawn(listed.descriptor, access) && {spawns: true})}, box}
  } catch (error) {
    box.close()
    throw error
  }
}

/** What a process may read is settled when it starts: the one that said which sources there are gets nothing but its own. */
function boxFor({descriptor, root}: FoundSource, access: SourceAccess): Box {
  const {paths, environment = {}} = access
  const box = new Box(
    together([
      ownGrants(root),
      capabilityGrants(descriptor.reads),
      ...(maySpawn(descriptor, access) ? [spawnGrants()] : []),
      {paths, environment},
    ]),
  )
  box.listen(access)
  return box
}

/** Both must say so: what a plugin asks for is nobody's leave, and what an account allows is for who asks. */
const maySpawn = ({spawn}: ListedDescriptor, {allow}: Pick<SourceAccess, 'allow'>): boolean =>
  spawn && allow.includes('spawn')

async function load({descriptor, plugin}: FoundSource, box: Box, folder: string): Promise<HostedSource> {
  const {name} = descriptor
  let shape: z.infer<typeof answers.load>
  try {
    shape = await box.call(answers.load, 'load', name, folder)
  } catch (error) {
    throw failure(`the source ${name} of the plugin ${plugin.name} could not be loaded`, {
      code: 'E_PLUGIN_BROKEN',
      next: adviceToReinstall(plugin.name),
      cause: error,
    })
  }
  if (!('wrong' in shape)) return boxedSource(box, shape as SourceShape)
  throw failure(`the source ${name} of the plugin ${plugin.name} ${shape.wrong}`, {
    code: 'E_PLUGIN_BROKEN',
    next: REPORT,
  })
}

/** None of several sources with one name can be used: which one is meant is a guess. */
function separateDuplicates(offered: readonly FoundSource[]): {sources: FoundSource[]; duplicates: SourceFailure[]} {
  const names = new Set(offered.map(({descriptor}) => descriptor.name))
  const sources: FoundSource[] = []
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

const compare = (one: string, other: string): number => (one < other ? -1 : one > other ? 1 : 0)
