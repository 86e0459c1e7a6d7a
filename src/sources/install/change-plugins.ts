import {readFile} from 'node:fs/promises'
import {createRequire} from 'node:module'
import {join} from 'node:path'

import type {Config as CommandLine, ux as oclifUx} from '@oclif/core'

import {failure, messageWithCauses, usageError} from '../../base/errors.ts'
import {Config} from '../../base/oclif.ts'
import type {ListedDescriptor, ListedSource} from '../found-sources.ts'
import {listSources} from '../source-plugins.ts'
import {hasCode} from '../../base/system-error.ts'
import {withPluginCopy} from './plugin-copy.ts'

export interface ChangedPlugin {
  readonly name: string
  readonly version: string
  readonly sources: readonly ListedDescriptor[]
}

interface Runnable {
  new (argv: string[], config: CommandLine): {run(): Promise<unknown>}
}

const UNCHANGED = 'What was installed before is as it was.'

/** Runs a command of plugin-plugins on a copy, looks at what it made, and keeps it only if that can be used. */
export async function changePlugins(
  commandLine: CommandLine,
  id: 'plugins:install' | 'plugins:update',
  argv: readonly string[],
): Promise<readonly ChangedPlugin[]> {
  const plugin = commandLine.plugins.get('@oclif/plugin-plugins')
  const command = plugin?.commands.find((found) => found.id === id)
  if (plugin === undefined || command === undefined)
    throw failure(`this lorchestra cannot run ${id}`, {
      code: 'E_PLUGIN_INSTALL_FAILED',
      next: 'Install lorchestra again.',
    })
  const Original = (await command.load()) as unknown as Runnable
  return withPluginCopy(commandLine.dataDir, async (pluginCopy) => {
    const before = await installedIn(commandLine.dataDir)
    const others = (await listSources(commandLine)).sources
    const onTheCopy = Object.create(commandLine, {
      dataDir: {value: pluginCopy},
      // It adds what it installs.
      plugins: {value: new Map(commandLine.plugins)},
    }) as CommandLine
    try {
      await new Original([...argv], onTheCopy).run()
    } catch (error) {
      endProgressLine(plugin.root)
      throw failure(`npm could not do it: ${messageWithCauses(error)}`, {
        code: 'E_PLUGIN_INSTALL_FAILED',
        next: UNCHANGED,
        cause: error,
      })
    }
    const after = await installedIn(pluginCopy)
    const changed = [...after].filter(([name, version]) => before.get(name) !== version)
    return Promise.all(changed.map(async ([name]) => inspect(pluginCopy, name, others)))
  })
}

/** Ends the progress line of plugin-plugins: until then its copy of oclif holds back what is written. */
function endProgressLine(root: string): void {
  const {ux} = createRequire(join(root, 'package.json'))('@oclif/core') as {readonly ux: typeof oclifUx}
  ux.action.stop('failed')
}

/** A plugin that says nothing usable, or takes a name that is taken, is not installed at all. */
async function inspect(pluginCopy: string, name: string, others: readonly ListedSource[]): Promise<ChangedPlugin> {
  const root = join(pluginCopy, 'node_modules', name)
  const plugin = await Config.load({root, userPlugins: false, devPlugins: false})
  const {sources, failures} = await listSources(plugin)
  const [broken] = failures
  if (broken !== undefined)
    throw failure(`${broken.message}; it was not installed`, {code: 'E_PLUGIN_BROKEN', next: UNCHANGED})
  for (const {descriptor} of sources) {
    const taken = others.find((other) => other.descriptor.name === descriptor.name && other.plugin.name !== name)
    if (taken === undefined) continue
    throw usageError(
      `${name} and ${taken.plugin.name} both offer the source ${descriptor.name}, and of two with one name neither can be used; ${name} was not installed`,
      {code: 'E_NAME_TAKEN', next: `Uninstall the other one first: lorchestra plugins uninstall ${taken.plugin.name}`},
    )
  }
  return {name, version: plugin.version, sources: sources.map(({descriptor}) => descriptor)}
}

/** Maps names to versions. */
async function installedIn(dataFolder: string): Promise<ReadonlyMap<string, string>> {
  const {dependencies = {}} = await packageIn(dataFolder)
  const versions = Object.keys(dependencies).map(async (name) => {
    const {version = 'none'} = await packageIn(join(dataFolder, 'node_modules', name))
    return [name, version] as const
  })
  return new Map(await Promise.all(versions))
}

async function packageIn(folder: string) {
  try {
    const text = await readFile(join(folder, 'package.json'), 'utf8')
    return JSON.parse(text) as {version?: string; dependencies?: Readonly<Record<string, string>>}
  } catch (error) {
    if (hasCode(error, 'ENOENT')) return {}
    throw error
  }
}
