import {existsSync, readdirSync, readFileSync} from 'node:fs'
import {basename, dirname, join, relative, resolve, sep} from 'node:path'

import {expect} from 'chai'

import {importsOf, isRelative, type Import} from './support/imports.ts'

const root = resolve(import.meta.dirname, '..')
const src = join(root, 'src')

/** Every folder of src is a room. A room may import itself and what stands in its row; types and lazy imports count. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  'source-http.ts': [],
  'source.ts': ['source-http.ts'],
  base: ['source.ts'],
  model: ['source.ts', 'base'],
  config: ['source.ts', 'base', 'model'],
  sources: ['source.ts', 'base', 'model', 'config'],
  warehouse: ['source.ts', 'base', 'model', 'config'],
  sink: ['source.ts', 'base', 'model', 'warehouse'],
  run: ['source.ts', 'base', 'model', 'config', 'sources', 'warehouse', 'sink'],
  report: ['source.ts', 'base', 'model', 'config', 'sources', 'warehouse', 'sink', 'run'],
  doctor: ['source.ts', 'base', 'model', 'config', 'sources', 'warehouse', 'run'],
  testing: ['source.ts', 'base', 'model', 'config', 'sources', 'run'],
  cli: ['source.ts', 'base', 'model', 'config', 'sources', 'warehouse'],
  commands: ['base', 'model', 'sources', 'warehouse', 'run', 'report', 'doctor', 'cli'],
}

/** Packages that are slow to import: only ever with `await import()`, or from a file that is itself loaded so. */
const SLOW_PACKAGES = ['@azure/msal-node', '@duckdb/node-api', 'google-auth-library', 'open', 'undici', 'winston']
const LOADED_LAZILY = ['warehouse/key-index.ts', 'warehouse/local-batch.ts', 'warehouse/replayed-keys.ts']

/** What every folder below src/warehouse holds, whatever else one of them needs. */
const IN_EVERY_KIND =
  'ad-hoc-query advice classify commit comparison connection definitions description events keys kind leases missed-rows payloads promote rejects run-events seed settings sql staging stored-record stream-state surplus-rows undo undone-runs views warehouse writer'.split(
    ' ',
  )

const runtimeImportsOf = (file: string): readonly Import[] => importsOf(file).filter(({type}) => !type)

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

const sourceFiles = filesBelow(src)
const pluginNames = readdirSync(join(root, 'plugins'))
const pluginFiles = pluginNames.flatMap((name) => filesBelow(join(root, 'plugins', name, 'src')))

const warehouses = join(src, 'warehouse')
const kinds = readdirSync(warehouses, {withFileTypes: true}).flatMap((entry) =>
  entry.isDirectory() ? [entry.name] : [],
)
/** The kind of warehouse whose folder holds the file. */
const kindOf = (file: string): string | undefined => kinds.find((kind) => file.startsWith(join(warehouses, kind, '/')))

const inSrc = (file: string): string => relative(src, file).split(sep).join('/')
const roomOf = (file: string): string => inSrc(file).split('/')[0] ?? ''
const codeOf = (file: string): string => readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')

/** Names of sources that are words of their own; in quotes, or at the end of a path, they name the source. */
const WORDS = ['files', 'rest']

const namesSource = (name: string, code: string): boolean =>
  new RegExp(WORDS.includes(name) ? `['"\`/]${name}['"\`]|source: ${name}\\b` : `\\b${name}\\b`, 'i').test(code)

/** Files whose imports lead back to them, each circle once. */
function circlesOf(files: readonly string[]): readonly string[] {
  const circles = new Set<string>()
  const done = new Set<string>()
  const walk = (file: string, path: readonly string[]): void => {
    const begin = path.indexOf(file)
    if (begin !== -1) {
      const circle = path.slice(begin).map((member) => relative(root, member))
      circles.add(circle.toSorted().join(' ↔ '))
      return
    }
    if (done.has(file)) return
    for (const {specifier} of importsOf(file).filter(isRelative)) {
      walk(resolve(dirname(file), specifier), [...path, file])
    }
    done.add(file)
  }
  for (const file of files) walk(file, [])
  return [...circles]
}

describe('the house', () => {
  it('has the contract and the rooms in src, and nothing else', () => {
    expect(readdirSync(src).toSorted()).to.deep.equal(Object.keys(ROOMS).toSorted())
  })

  it('lets every import go in the one direction, types and lazy ones too', () => {
    const wrong = sourceFiles.flatMap((file) => {
      const allowed = [roomOf(file), ...(ROOMS[roomOf(file)] ?? [])]
      return importsOf(file)
        .filter(isRelative)
        .map(({specifier}) => resolve(dirname(file), specifier))
        .filter((target) => !allowed.includes(roomOf(target)))
        .map((target) => `${inSrc(file)} imports ${inSrc(target)}`)
    })
    expect(wrong).to.deep.equal([])
  })

  it('imports only what is there', () => {
    const gone = [...sourceFiles, ...pluginFiles].flatMap((file) =>
      importsOf(file)
        .filter(isRelative)
        .map(({specifier}) => resolve(dirname(file), specifier))
        .filter((target) => !existsSync(target))
        .map((target) => `${relative(root, file)} imports ${relative(root, target)}`),
    )
    expect(gone).to.deep.equal([])
  })

  it('lists no allowance that nobody uses', () => {
    const used = new Map<string, Set<string>>(Object.keys(ROOMS).map((room) => [room, new Set()]))
    for (const file of sourceFiles)
      for (const {specifier} of importsOf(file).filter(isRelative))
        used.get(roomOf(file))?.add(roomOf(resolve(dirname(file), specifier)))
    const unused = Object.entries(ROOMS).flatMap(([room, allowed]) =>
      allowed.filter((other) => used.get(room)?.has(other) !== true).map((other) => `${room} -> ${other}`),
    )
    expect(unused).to.deep.equal([])
  })

  it('has no circle of files, types and lazy imports counted', () => {
    expect(circlesOf([...sourceFiles, ...pluginFiles])).to.deep.equal([])
  })

  it('has a test folder of the name of a room, or of none of its business', () => {
    const folders = readdirSync(join(root, 'test'), {withFileTypes: true}).filter((entry) => entry.isDirectory())
    const beside = ['program', 'support']
    expect(folders.map(({name}) => name).filter((name) => !(name in ROOMS) && !beside.includes(name))).to.deep.equal([])
  })

  it('lets kinds.ts alone reach into the folder of a kind of warehouse', () => {
    const reaching = sourceFiles.filter((file) =>
      importsOf(file)
        .filter(isRelative)
        .map(({specifier}) => kindOf(resolve(dirname(file), specifier)))
        .some((kind) => kind !== undefined && kind !== kindOf(file)),
    )
    expect(reaching.map(inSrc)).to.deep.equal(['warehouse/kinds.ts'])
  })

  it('knows no warehouse by name but in its own folder, not even in a comment', () => {
    const naming = sourceFiles.filter(
      (file) =>
        kindOf(file) === undefined && kinds.some((kind) => readFileSync(file, 'utf8').toLowerCase().includes(kind)),
    )
    // Three are no warehouses: they search with DuckDB what any of them holds, or what is to be compared with it.
    expect(naming.map(inSrc).toSorted()).to.deep.equal([
      'warehouse/key-index.ts',
      'warehouse/kinds.ts',
      'warehouse/local-batch.ts',
      'warehouse/replayed-keys.ts',
    ])
  })

  it('finds the same thing in a file of the same name in the folder of every kind of warehouse', () => {
    const missing = kinds.flatMap((kind) =>
      IN_EVERY_KIND.map((name) => `warehouse/${kind}/${name}.ts`).filter((file) => !existsSync(join(src, file))),
    )
    expect(missing).to.deep.equal([])
    const everywhere = filesBelow(join(warehouses, kinds[0] ?? ''))
      .map((file) => basename(file, '.ts'))
      .filter((name) => kinds.every((kind) => existsSync(join(warehouses, kind, `${name}.ts`))))
    expect(everywhere.toSorted()).to.deep.equal(IN_EVERY_KIND.toSorted())
  })

  it('lets nobody reach a sink, a warehouse or the run mode through the conformance suite', () => {
    const reached = new Set<string>()
    const open = [join(src, 'testing', 'conformance.ts')]
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      reached.add(inSrc(file))
      for (const {specifier} of runtimeImportsOf(file).filter(isRelative)) {
        const target = resolve(dirname(file), specifier)
        if (!reached.has(inSrc(target))) open.push(target)
      }
    }
    expect(reached.size).to.be.above(20)
    expect([...reached].filter((file) => /^(sink|warehouse|commands|cli)\/|run-mode|run-job/.test(file))).to.deep.equal(
      [],
    )
  })

  it('asks for the run mode in the sink and where commands read their flags alone', () => {
    const asking = sourceFiles.filter((file) => /\b(runMode|currentRunMode)\(/.test(codeOf(file)))
    expect(asking.map(inSrc).toSorted()).to.deep.equal([
      'cli/mode-flags.ts',
      'model/run-mode.ts',
      'sink/beside-runs.ts',
      'sink/open-sink.ts',
    ])
  })

  it('sets the run mode in the init hook alone', () => {
    const setting = sourceFiles.filter((file) => /\bsetRunMode\(/.test(codeOf(file)))
    expect(setting.map(inSrc).toSorted()).to.deep.equal(['cli/hooks/init.ts', 'model/run-mode.ts'])
  })

  it('chooses by run mode in the table of modes and in the sink alone', () => {
    const naming = sourceFiles.filter((file) => /(['"`])(?:dry-run|test-table)\1/.test(codeOf(file)))
    expect(naming.map(inSrc).toSorted()).to.deep.equal([
      'model/run-mode.ts',
      'sink/beside-runs.ts',
      'sink/open-sink.ts',
    ])
  })

  it('loads what is slow to load only when it is needed', () => {
    const eager = [...sourceFiles, ...pluginFiles]
      .filter((file) => !LOADED_LAZILY.includes(inSrc(file)))
      .flatMap((file) =>
        runtimeImportsOf(file)
          .filter(({specifier, lazy}) => !lazy && SLOW_PACKAGES.includes(specifier))
          .map(({specifier}) => `${inSrc(file)} imports ${specifier}`),
      )
    expect(eager).to.deep.equal([])
    expect(LOADED_LAZILY.filter((file) => !existsSync(join(src, file)))).to.deep.equal([])
  })

  it('imports oclif by the one file that the build makes fast', () => {
    const importing = sourceFiles.filter((file) =>
      runtimeImportsOf(file).some(({specifier}) => specifier.startsWith('@oclif/')),
    )
    expect(importing.map(inSrc)).to.deep.equal(['base/oclif.ts'])
  })

  it('has plugins that import nothing of the host at run time', () => {
    const reaching = pluginFiles.filter((file) =>
      runtimeImportsOf(file).some(
        ({specifier}) =>
          specifier === 'lorchestra' || specifier.startsWith('lorchestra/') || specifier.includes('../../../src'),
      ),
    )
    expect(reaching).to.deep.equal([])
  })

  it('knows no source by name: deleting a plugin folder leaves nothing behind in src', () => {
    const naming = sourceFiles
      .filter((file) => !['cli/starter/starter-files.ts', 'commands/run.ts'].includes(inSrc(file)))
      .filter((file) => pluginNames.some((name) => namesSource(name, codeOf(file))))
    expect(naming.map(inSrc)).to.deep.equal([])
  })

  it('chooses exit codes in errors.ts alone', () => {
    const choosing = sourceFiles
      .filter((file) => inSrc(file) !== 'base/errors.ts')
      .filter((file) => /\.exit\(\s*\d|process\.exit\(|exitCode\s*=|exit:\s*\d/.test(readFileSync(file, 'utf8')))
    expect(choosing.map(inSrc)).to.deep.equal([])
  })

  it('has no drawers', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|lib|misc|shared|types\.ts|index\.ts)(\/|\.ts$|$)/
    expect(sourceFiles.map(inSrc).filter((path) => drawers.test(path))).to.deep.equal([])
  })

  it('keeps every file small enough to have one reason to exist', () => {
    const large = sourceFiles.filter((file) => readFileSync(file, 'utf8').split('\n').length > 300)
    expect(large.map(inSrc)).to.deep.equal([])
  })
})
