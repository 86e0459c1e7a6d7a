import {existsSync, realpathSync} from 'node:fs'
import {homedir} from 'node:os'
import {dirname, join, relative, resolve} from 'node:path'

import {CODE, PACKAGE} from '../../base/own-files.ts'

import {proxyIn} from '../../base/proxy.ts'

/** What a source may ask for beyond its own package, in words; `lorchestra sources list` and the installation show it. */
export const READS = {'google-adc': 'the default credentials of Google on this machine'} as const
export type Reads = keyof typeof READS

/** What a box may do, and what it finds in its environment. */
export interface Grants {
  readonly paths: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** What it starts is no box: it can write, and read, all that the user can. */
  readonly spawn?: true
}

/** Files and folders of certificates that the machine's owner trusts. */
const CERTIFICATES = ['NODE_EXTRA_CA_CERTS', 'SSL_CERT_FILE', 'SSL_CERT_DIR']
/** These say nothing of the user, of other accounts or of the warehouse. */
const HARMLESS_VARIABLES = [
  ...CERTIFICATES,
  'TZ',
  'LANG',
  'LC_ALL',
  'DEBUG',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
  'http_proxy',
  'https_proxy',
  'no_proxy',
  'SystemRoot',
]

/** Lets a plugin read its own package, what it may import, and the code of the box itself. */
export function ownGrants(plugin: string): Grants {
  return {
    paths: [
      CODE,
      join(PACKAGE, 'package.json'),
      ...packagesAround(PACKAGE),
      plugin,
      ...packagesAround(plugin),
      ...Object.values(pick(CERTIFICATES)),
    ],
    environment: {...pick(HARMLESS_VARIABLES), ...proxiesOfNode()},
  }
}

/**
 * Lets a source read the files that the options name, and the folders in which patterns of theirs look. Relative ones start at the
 * folder of lorchestra.yaml.
 */
export function pathsIn(options: unknown, folder: string): readonly string[] {
  if (typeof options === 'string') {
    if (options === '' || options.length > 4096 || options.includes('\0')) return []
    // A "/" or "." that is no path at all must not open the disk, or the folder with lorchestra.yaml and .env.
    // Made absolute, one that climbs out of a folder it only guesses at would name a file that nobody wrote.
    const literal = /[*?[\]{}].*\/\.\.(\/|$)/.test(options) ? '' : options
    return [literal, folderOfPattern(options)]
      .map((path) => resolve(folder, path))
      .filter((path) => existsSync(path) && !holds(path, folder))
  }
  if (typeof options !== 'object' || options === null) return []
  return Object.values(options).flatMap((value) => pathsIn(value, folder))
}

/** Gives the folder that a pattern such as `incoming/2026-*.csv` begins in; '' where it begins in none, or is no pattern. */
function folderOfPattern(pattern: string): string {
  const parts = pattern.split('/')
  const first = parts.findIndex((part) => /[*?[\]{}]/.test(part))
  return first < 1 ? '' : parts.slice(0, first).join('/')
}

/** Lets a source use what `gcloud auth application-default login` or GOOGLE_APPLICATION_CREDENTIALS left on this machine. */
export function capabilityGrants(reads: readonly Reads[]): Grants {
  if (!reads.includes('google-adc')) return {paths: [], environment: {}}
  const {GOOGLE_APPLICATION_CREDENTIALS: named, CLOUDSDK_CONFIG: configured, APPDATA} = process.env
  const gcloud = configured ?? (APPDATA === undefined ? join(homedir(), '.config', 'gcloud') : join(APPDATA, 'gcloud'))
  return {
    paths: [...(named === undefined ? [] : [resolve(named)]), join(gcloud, 'application_default_credentials.json')],
    environment: {
      ...pick(['GOOGLE_APPLICATION_CREDENTIALS', 'CLOUDSDK_CONFIG', 'APPDATA']),
      HOME: homedir(),
    },
  }
}

/** Lets a source start processes, and finds the programs of this machine. */
export const spawnGrants = (): Grants => ({paths: [], environment: pick(['PATH', 'Path', 'PATHEXT']), spawn: true})

/** Lets a source do all that one of these lets it do. */
export const together = (grants: readonly Grants[]): Grants => ({
  paths: grants.flatMap(({paths}) => paths),
  environment: Object.fromEntries(grants.flatMap(({environment}) => Object.entries(environment))),
  ...(grants.some(({spawn}) => spawn) && {spawn: true}),
})

/** Has Node's own `fetch` and `http`, which a source may use, take the proxy as well. */
const proxiesOfNode = (): Readonly<Record<string, string>> =>
  proxyIn(process.env) === undefined ? {} : {NODE_USE_ENV_PROXY: '1'}

/** Gives the paths as Node compares them: as they are written, and as they are. */
export const bothSpellings = (paths: readonly string[]): readonly string[] => [
  ...new Set(paths.flatMap((path) => (existsSync(path) ? [path, realpathSync(path)] : [path]))),
]

/** Packages that an import from this folder finds. */
function packagesAround(folder: string): readonly string[] {
  const parent = dirname(folder)
  const here = join(folder, 'node_modules')
  const found = existsSync(here) ? [here] : []
  return parent === folder ? found : [...found, ...packagesAround(parent)]
}

function holds(outer: string, inner: string): boolean {
  const way = relative(realpathSync(outer), realpathSync(inner))
  return way === '' || !(way.startsWith('..') || resolve(way) === way)
}

const pick = (names: readonly string[]): Record<string, string> =>
  Object.fromEntries(names.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])))
