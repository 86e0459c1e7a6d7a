import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {Config} from '@oclif/core'

import {dataFolder, temporaryFolder} from './cli.ts'

export interface TestPlugin {
  readonly name: string
  /** `null`: its package.json has none. */
  readonly version?: string | null
  /** Text of the hook's file; `undefined`: there is none. */
  readonly hook?: string
}

/** A hook with one source that yields nothing. `source` and `descriptor` are code that replaces single members. */
export const hookOf = (name: string, {source = '', descriptor = ''} = {}): string => `
const options = {'~standard': {version: 1, vendor: 'test', validate: (value) => ({value})}}
const source = {
  apiVersion: 1,
  name: '${name}',
  summary: 'Test records of ${name}',
  options,
  streams: () => [{objectType: 'note', windowed: true}],
  idemKey: (record, stream) => [stream.objectType, stream.sourceSystem, record.id].join(':'),
  async *extract() {},
  ${source}
}
export default () => [
  {apiVersion: 1, name: '${name}', summary: source.summary, load: async () => source, ${descriptor}},
]
`

/** A command line of its own that holds these plugins. */
export async function commandLineWith(plugins: readonly TestPlugin[]): Promise<Config> {
  const root = await temporaryFolder()
  const names = plugins.map(({name}) => name)
  await writePackage(root, {
    name: 'command-line',
    version: '1.0.0',
    dependencies: Object.fromEntries(names.map((name) => [name, '*'])),
    oclif: {bin: 'command-line', plugins: names},
  })
  for (const plugin of plugins) await writePlugin(join(root, 'node_modules', plugin.name), plugin)
  return Config.load({root, userPlugins: false})
}

/** As `plugins install` leaves it behind. */
export async function installPlugin(home: string, plugin: TestPlugin): Promise<void> {
  const folder = dataFolder(home)
  await writePlugin(join(folder, 'node_modules', plugin.name), plugin)
  const installed = await pluginsInstalledIn(folder)
  await writePackage(folder, {
    private: true,
    oclif: {schema: 1, plugins: [...installed, {name: plugin.name, tag: 'latest', type: 'user'}]},
    dependencies: Object.fromEntries([...installed, plugin].map(({name}) => [name, '*'])),
  })
}

async function pluginsInstalledIn(folder: string): Promise<readonly {name: string}[]> {
  try {
    const content = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
      oclif: {plugins: {name: string}[]}
    }
    return content.oclif.plugins
  } catch {
    return []
  }
}

async function writePlugin(folder: string, {name, version = '1.0.0', hook}: TestPlugin): Promise<void> {
  await writePackage(folder, {
    name,
    ...(version !== null && {version}),
    type: 'module',
    oclif: {hooks: {'lorchestra:sources': './hook.js'}},
  })
  if (hook !== undefined) await writeFile(join(folder, 'hook.js'), hook)
}

async function writePackage(folder: string, content: object): Promise<void> {
  await mkdir(folder, {recursive: true})
  await writeFile(join(folder, 'package.json'), JSON.stringify(content))
}
