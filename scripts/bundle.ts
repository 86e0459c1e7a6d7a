import {globSync} from 'node:fs'
import {writeFile} from 'node:fs/promises'
import {join, relative} from 'node:path'
import {fileURLToPath} from 'node:url'

import {rolldown} from 'rolldown'

import {builtinsOnDemand} from './bundle/builtins-on-demand.ts'
import {licensesOf} from './bundle/licenses.ts'
import {oclifShortcuts} from './bundle/oclif-shortcuts.ts'
import {replaceScripts} from './bundle/replace-scripts.ts'

/**
 * Makes the JavaScript that runs out of `src` and the packages that it imports: a few files instead of hundreds, because each costs
 * every start a third of a millisecond, and twice that in a box. Types and declarations are the compiler's.
 */
const root = fileURLToPath(new URL('..', import.meta.url))

/** What has native code, or is large and seldom needed, stays a package. */
const PACKAGES = [/^@duckdb\/node-bindings/, '@google-cloud/bigquery', 'google-auth-library', 'open', 'typescript']

interface Program {
  /** Its `src` becomes its `dist`. */
  readonly folder: string
  /** Files that oclif, package.json or another program name. */
  readonly named: readonly string[]
  /** What would be many files that are always loaded together. All else is a file for each `import()`. */
  readonly together?: readonly {
    readonly name: string
    readonly test: RegExp
    readonly priority: number
    readonly tags?: readonly ['$initial']
  }[]
}

const HOST: Program = {
  folder: root,
  named: ['commands/**/*.ts', 'cli/hooks/*.ts', 'cli/{help,start}.ts'],
  together: [
    // Help, `--version` and usage errors need no more.
    {name: 'start', test: /\/src\/(?:base|cli|model)\//, tags: ['$initial'], priority: 2},
    // All but how a kind of warehouse works, which is loaded where one is opened, and the page of `report`, which brings a library of its own.
    {
      name: 'engine',
      test: /\/src\/(?:(?:base|model|config|sources|run|sink|report(?!\/page))\/|warehouse\/(?!key-index|local-batch|replayed-keys)(?:[^/]+\/(?:kind|settings)|[^/]+)\.ts$)/,
      priority: 1,
    },
  ],
}
/** What runs beside a source shares nothing with the host, and loads as little as can be: a box has no compile cache. */
const BESIDE_SOURCES: Program = {
  folder: root,
  named: ['sources/box/program.ts', 'testing/{conformance,watched-box}.ts'],
}
const plugins = globSync('plugins/*', {cwd: root}).map((folder): Program => ({
  folder: join(root, folder),
  named: ['hook.ts'],
}))

interface Built {
  readonly scripts: ReadonlyMap<string, string>
  /** All files that went into them. */
  readonly inputs: readonly string[]
}

async function build({folder, named, together = []}: Program): Promise<Built> {
  const src = join(folder, 'src')
  const bundle = await rolldown({
    cwd: folder,
    input: Object.fromEntries(globSync([...named], {cwd: src}).map((file) => [file.slice(0, -3), join(src, file)])),
    platform: 'node',
    external: PACKAGES,
    plugins: [oclifShortcuts(root), builtinsOnDemand],
    // Asked for with `import()` in one place, and imported in another that is itself loaded so.
    checks: {ineffectiveDynamicImport: false},
  })
  const {output} = await bundle.generate({
    format: 'esm',
    entryFileNames: '[name].js',
    chunkFileNames: 'chunks/[name]-[hash].js',
    codeSplitting: {groups: together.map((group) => ({...group, tags: [...(group.tags ?? [])]}))},
    comments: {legal: true, annotation: false, jsdoc: false},
    sourcemap: true,
  })
  await bundle.close()
  const chunks = output.flatMap((each) => (each.type === 'chunk' ? [each] : []))
  return {
    // What is imported stands before what imports it.
    scripts: new Map(
      [...output]
        .toSorted((one, other) => Number(isNamed(one)) - Number(isNamed(other)))
        .map((each) => [each.fileName, each.type === 'chunk' ? each.code : String(each.source)]),
    ),
    inputs: chunks.flatMap(({moduleIds}) => moduleIds),
  }
}

const isNamed = (file: {readonly type: string; readonly isEntry?: boolean}): boolean => file.isEntry === true

async function replace(folder: string, programs: readonly Program[]): Promise<void> {
  const built = await Promise.all(programs.map(build))
  await replaceScripts(join(folder, 'dist'), new Map(built.flatMap(({scripts}) => [...scripts])))
  const licenses = await licensesOf(built.flatMap(({inputs}) => inputs).map((file) => relative(root, file)))
  await writeFile(join(folder, 'dist', 'licenses.txt'), licenses)
}

await Promise.all([
  replace(root, [HOST, BESIDE_SOURCES]),
  ...plugins.map(async (plugin) => replace(plugin.folder, [plugin])),
])
