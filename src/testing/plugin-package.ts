import {existsSync, readFileSync} from 'node:fs'
import {dirname, join, resolve} from 'node:path'

import {foreignCodeIn, SOURCES_HOOK} from '../base/foreign-code.ts'
import {hookFilesOf, isFile, type PluginToAsk} from '../sources/plugin-to-ask.ts'
import type {ConformanceSetup} from './setup.ts'

type Hook = string | {readonly target: string}

interface PackageJson {
  readonly name?: string
  readonly version?: string
  readonly oclif?: {
    readonly hooks?: Readonly<Record<string, Hook | readonly Hook[]>>
    readonly commands?: unknown
  }
}

/** Finds the package that the source will be installed as, as `lorchestra plugins link` would take it. */
export function packageOf({package: given}: ConformanceSetup): PluginToAsk {
  const root = given === undefined ? packageAround(process.cwd()) : resolve(given)
  const path = join(root ?? process.cwd(), 'package.json')
  if (root === undefined || !existsSync(path))
    throw new Error(
      `there is no package.json ${given === undefined ? 'around the folder where the tests run' : `in ${root}`}: give the suite \`package\`, the folder of the plugin's package`,
    )
  const {name = 'plugin', version = 'none', oclif = {}} = JSON.parse(readFileSync(path, 'utf8')) as PackageJson
  const {hooks = {}} = oclif
  const plugin = {name, version, type: 'link', root, hooks: {[SOURCES_HOOK]: targetsIn(hooks[SOURCES_HOOK])}}
  const files = hookFilesOf(plugin)
  if (files.length === 0)
    throw new Error(
      `${path} names no hook ${SOURCES_HOOK}, so lorchestra would not find the source: name its file in oclif.hooks, or give the suite \`package\`, the folder of the plugin's package`,
    )
  const foreign = foreignCodeIn(oclif)
  if (foreign.length > 0)
    throw new Error(
      `its package brings ${foreign.join(', ')}, and lorchestra refuses plugins that bring more than sources`,
    )
  const missing = files.find((file) => !isFile(file))
  if (missing !== undefined)
    throw new Error(`its hook ${missing} is not there: build the package, then test it (\`npm run build\`)`)
  return plugin
}

function packageAround(folder: string): string | undefined {
  if (existsSync(join(folder, 'package.json'))) return folder
  return dirname(folder) === folder ? undefined : packageAround(dirname(folder))
}

const targetsIn = (hook: Hook | readonly Hook[] | undefined): readonly {readonly target: string}[] =>
  (hook === undefined ? [] : [hook].flat()).map((each) =>
    typeof each === 'string' ? {target: each} : (each as {target: string}),
  )
