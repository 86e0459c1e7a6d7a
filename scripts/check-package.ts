import {execFile} from 'node:child_process'
import {existsSync} from 'node:fs'
import {mkdir, mkdtemp, readdir, readFile, realpath, rm, stat, writeFile} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {delimiter, dirname, join, resolve, sep} from 'node:path'
import {promisify} from 'node:util'

import {itemsOf, startService} from '../templates/source/test/service.ts'

/**
 * Packs the program, installs it into an empty folder as a user does, without this repository, and uses it there.
 * Needs the npm registry for what it depends on.
 */
const root = resolve(import.meta.dirname, '..')
const LARGEST = {packed: 3_000_000, own: 9_500_000, unpacked: 10_000_000}
/** All that an install brings but the engine, which is another one for each platform. */
const LARGEST_INSTALL = 55_000_000
const ENGINE = /^@duckdb\//
/** Of packages that are smaller the table has one line. */
const SHOWN = 100_000
const OWN = /^(?!node_modules\/)|^node_modules\/@lorchestra\//
const WANTED =
  /^(node_modules\/@lorchestra\/[a-z-]+\/)?(bin\/(?:run|missing-user)\.js|presets\/[a-z]+\.json|dist\/.*\.js|dist\/licenses\.txt|dist\/source(?:-http)?\.d\.ts|dist\/testing\/(?:conformance|setup)\.d\.ts|templates\/.*|package\.json|oclif\.manifest\.json|lorchestra\.schema\.json|[A-Z]+\.md|LICENSE)$/
/** What the README links to is for whoever has installed it, too. */
const LINKED =
  /^(?:docs|examples|artifacts\/test|bench\/results)\/|^src\/source\.ts$|^test\/support\/bigquery\/README\.md$/

interface Packed {
  readonly filename: string
  readonly size: number
  readonly unpackedSize: number
  readonly files: readonly {readonly path: string; readonly size: number}[]
}

const run = promisify(execFile)
const folder = await realpath(await mkdtemp(join(tmpdir(), 'lorchestra-package-')))
try {
  const [packed] = JSON.parse((await npm(root, 'pack', '--json', '--pack-destination', folder)).stdout) as [Packed]
  const own = packed.files.filter(({path}) => OWN.test(path))
  const unwanted = own.filter(({path}) => !WANTED.test(path) && !LINKED.test(path)).map(({path}) => path)
  const size = own.reduce((sum, file) => sum + file.size, 0)
  if (unwanted.length > 0) throw new Error(`only development needs these: ${unwanted.join(', ')}`)
  if (packed.size > LARGEST.packed || size > LARGEST.own || packed.unpackedSize > LARGEST.unpacked) {
    throw new Error(
      `${packed.size} bytes packed, ${packed.unpackedSize} unpacked, ${size} of our own; at most ${JSON.stringify(LARGEST)}`,
    )
  }
  console.log(`${packed.filename}: ${packed.size} bytes packed, ${packed.unpackedSize} unpacked, ${size} of our own`)

  const prefix = join(folder, 'prefix')
  await mkdir(prefix)
  await writeFile(join(prefix, 'package.json'), '{"private": true}')
  await npm(prefix, 'install', '--no-audit', '--no-fund', join(folder, packed.filename))
  printSizes(await installedSizes(join(prefix, 'node_modules')))
  await mustInstallWhole(join(folder, 'global'), join(folder, packed.filename))
  const installed = join(prefix, 'node_modules', 'lorchestra')
  for (const {path} of own)
    if (path.endsWith('.md') && !path.startsWith('templates/')) await mustLinkToWhatIsThere(join(installed, path))
  await mustPrint('lorchestra/', prefix, '--version')
  await mustPrint('sources create', prefix, 'sources', '--help')
  await mustPrint('--dry-run', prefix, 'run', '--help')
  await mustPrint('Wrote', prefix, 'init', '--directory', 'ingestion')
  await mustPrint('gmail_ingest_acct1', join(prefix, 'ingestion'), 'jobs', 'list')
  await mustPrint('Setup Instructions', prefix, 'autocomplete', 'bash')
  for (const script of ['bash/lorchestra.bash', 'zsh/_lorchestra']) {
    const completion = await readFile(join(folder, 'cache', 'lorchestra', 'autocomplete', 'functions', script), 'utf8')
    if (!/ complete -- /.test(completion)) throw new Error(`${script} does not ask what to complete`)
  }
  for (const source of ['gmail', 'dataverse', 'rest']) await mustPrint(source, prefix, 'sources', 'list')

  await mustPrint('Wrote', prefix, 'sources', 'create', 'notes')
  const plugin = join(prefix, 'lorchestra-source-notes')
  await npm(plugin, 'install', '--no-audit', '--no-fund')
  console.log(
    (await npm(plugin, 'test')).stdout
      .split('\n')
      .filter((line) => /(pass|fail) \d+$/.test(line))
      .join('\n'),
  )
  await mustPrint('', plugin, 'plugins', 'link', '--no-install', '.')
  const service = await startService(itemsOf({records: 30, size: 20}))
  try {
    const yaml = await readFile(join(plugin, 'lorchestra.yaml'), 'utf8')
    await writeFile(join(plugin, 'lorchestra.yaml'), yaml.replace('http://127.0.0.1:8787', service.url))
    await mustPrint('[DRY-RUN] notes_items: 30 extracted', plugin, 'run', 'notes_items', '--dry-run')
    await mustPrint('[TEST] notes_items: 30 extracted, 30 inserted', plugin, 'run', 'notes_items', '--test-table')
    await mustPrint('✓ notes_items: 30 extracted, 30 inserted', plugin, 'run', 'notes_items')
  } finally {
    await service.close()
  }

  async function mustPrint(text: string, cwd: string, ...args: string[]): Promise<void> {
    const {stdout} = await run(process.execPath, [join(installed, 'bin', 'run.js'), ...args], {cwd, env: environment()})
    if (!stdout.includes(text)) throw new Error(`lorchestra ${args.join(' ')} did not print ${text}: ${stdout}`)
    console.log(`lorchestra ${args.join(' ')}`)
  }
} finally {
  await rm(folder, {recursive: true, force: true})
}

/**
 * npm takes what a bundled package asks for as bundled, too: installed for all, where nothing lies outside of the package, it leaves
 * empty folders (seen with npm 11 and a peer dependency of a bundled plugin).
 */
async function mustInstallWhole(prefix: string, tarball: string): Promise<void> {
  await npm(folder, 'install', '--global', '--prefix', prefix, '--no-audit', '--no-fund', tarball)
  const lib = process.platform === 'win32' ? prefix : join(prefix, 'lib')
  const packages = join(lib, 'node_modules', 'lorchestra', 'node_modules')
  const names = (await readdir(packages)).filter((name) => !name.startsWith('.') && !name.startsWith('@'))
  const empty = names.filter((name) => !existsSync(join(packages, name, 'package.json')))
  if (names.length < 10 || empty.length > 0) throw new Error(`npm install --global leaves out ${empty.join(', ')}`)
}

/** Measures every package below the folder, with all copies of it, without what lies in its own node_modules. */
async function installedSizes(packages: string): Promise<ReadonlyMap<string, number>> {
  const sizes = new Map<string, number>()
  for (const entry of await readdir(packages, {recursive: true, withFileTypes: true})) {
    if (!entry.isFile()) continue
    const path = join(entry.parentPath, entry.name)
    const inside = path.slice(path.lastIndexOf(`node_modules${sep}`) + `node_modules${sep}`.length).split(sep)
    const name = inside.slice(0, inside[0]?.startsWith('@') === true ? 2 : 1).join('/')
    sizes.set(name, (sizes.get(name) ?? 0) + (await stat(path)).size)
  }
  return sizes
}

function printSizes(sizes: ReadonlyMap<string, number>): void {
  const kilobytes = (bytes: number): string => `${Math.round(bytes / 1000).toLocaleString('en')} KB`.padStart(12)
  const sumOf = (some: readonly (readonly [string, number])[]): number =>
    some.reduce((sum, [, bytes]) => sum + bytes, 0)
  const all = [...sizes].toSorted(([, one], [, other]) => other - one)
  console.log('What an install unpacks:')
  for (const [name, bytes] of all.filter(([, size]) => size >= SHOWN)) console.log(`${kilobytes(bytes)}  ${name}`)
  const small = all.filter(([, size]) => size < SHOWN)
  console.log(`${kilobytes(sumOf(small))}  ${small.length} packages of less than ${SHOWN / 1000} KB`)
  const rest = sumOf(all.filter(([name]) => !ENGINE.test(name)))
  console.log(`${kilobytes(sumOf(all))}  all of it, ${kilobytes(rest).trim()} without the engine`)
  if (rest > LARGEST_INSTALL)
    throw new Error(`an install without the engine takes ${rest} bytes; at most ${LARGEST_INSTALL}`)
}

async function mustLinkToWhatIsThere(page: string): Promise<void> {
  for (const [, link = ''] of (await readFile(page, 'utf8')).matchAll(/\]\((?!\w+:|#)([^)#]+)/g))
    if (!existsSync(join(dirname(page), link))) throw new Error(`${page} links to ${link}, which is not there`)
}

/** Neither the plugins nor the settings of whoever runs this. */
function environment(): NodeJS.ProcessEnv {
  return {
    PATH: [dirname(process.execPath), process.env['PATH'] ?? ''].join(delimiter),
    HOME: folder,
    XDG_DATA_HOME: join(folder, 'data'),
    XDG_CACHE_HOME: join(folder, 'cache'),
    XDG_CONFIG_HOME: join(folder, 'config'),
  }
}

async function npm(cwd: string, ...args: string[]): Promise<{stdout: string}> {
  return run('npm', args, {cwd, maxBuffer: 64 * 1024 * 1024})
}
