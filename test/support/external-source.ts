import {access, cp, mkdir, writeFile} from 'node:fs/promises'
import {dirname, join} from 'node:path'

import {startCallRecorder} from './call-recorder.ts'
import {lorchestra, startLorchestra, temporaryFolder, type CliResult, type RunningCli} from './cli.ts'

/** A line of the file that the job's `file:` names. What it says beside `at` is what the source does when it gets there. */
export interface ExternalRecord {
  /** ISO 8601; a record is read when this lies in the window. */
  readonly at: string
  /** Left out: the record has no key, so it is rejected. */
  readonly id?: string
  readonly text?: string
  /** The source throws an error with this message. */
  readonly fail?: string
  /** The source logs `hanging`, then `told to stop` when it is, and does not heed it. */
  readonly hang?: true
}

export interface ExternalSource {
  readonly name: string
  /** What its package is called; by default after the source. */
  readonly packageName?: string
  /** Of its descriptor. */
  readonly apiVersion?: number
  /** More files by their path in the package, or other contents for its own. */
  readonly files?: Readonly<Record<string, string>>
  /** More keys of package.json's `oclif`. */
  readonly oclif?: object
}

export const packageNameOf = ({name, packageName}: ExternalSource): string => packageName ?? `lorchestra-source-${name}`

/** A whole source plugin, as somebody else would write it: plain JavaScript that knows nothing but the contract. */
export async function writeExternalSource(source: ExternalSource): Promise<string> {
  const folder = join(await temporaryFolder(), packageNameOf(source))
  const files: Readonly<Record<string, string>> = {
    'package.json': JSON.stringify({
      name: packageNameOf(source),
      version: '1.0.0',
      type: 'module',
      oclif: {hooks: {'lorchestra:sources': './hook.js'}, ...source.oclif},
    }),
    'hook.js': hookOf(source),
    'source.js': sourceOf(source),
    ...source.files,
  }
  for (const [path, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), {recursive: true})
    await writeFile(join(folder, path), content)
  }
  return folder
}

const hookOf = ({name, apiVersion = 1}: ExternalSource): string => `
export default async () => [
  {
    apiVersion: ${apiVersion},
    name: ${JSON.stringify(name)},
    summary: 'entries of a JSON file',
    load: async () => (await import('./source.js')).default,
  },
]
`

const sourceOf = ({name}: ExternalSource): string => `
import {readFile} from 'node:fs/promises'

const OPTIONS = ['file', 'calls']

function validate(options) {
  const issues = Object.keys(options)
    .filter((key) => !OPTIONS.includes(key))
    .map((key) => ({message: 'there is no such option', path: [key]}))
  if (typeof options.file !== 'string') issues.push({message: 'expected a path', path: ['file']})
  return issues.length > 0 ? {issues} : {value: options}
}

export default {
  apiVersion: 1,
  name: ${JSON.stringify(name)},
  summary: 'entries of a JSON file',
  options: {'~standard': {version: 1, vendor: ${JSON.stringify(name)}, validate}},
  streams: () => [{objectType: 'entry', windowed: true}],
  idemKey(record, {objectType, sourceSystem}) {
    if (typeof record.id !== 'string') throw new Error('it has no id')
    return \`\${objectType}:\${sourceSystem}:\${record.id}\`
  },
  explore: async () => 'entry: the file is there\\n  nothing more is known of it',
  async *listKeys({options, streams: [{objectType, sourceSystem}], resolvePath}) {
    const all = JSON.parse(await readFile(resolvePath(options.file), 'utf8'))
    yield all.filter(({id}) => id !== undefined).map(({id}) => \`\${objectType}:\${sourceSystem}:\${id}\`)
  },
  async *extract({options, window, resolvePath, log, signal}) {
    if (options.calls !== undefined) await fetch(options.calls, {method: 'POST', body: JSON.stringify(window)})
    const all = JSON.parse(await readFile(resolvePath(options.file), 'utf8'))
    const since = window.since ?? new Date(-8.64e15)
    for (const record of all) {
      const at = new Date(record.at)
      if (at < since || at >= window.until) continue
      if (record.fail !== undefined) throw new Error(record.fail)
      if (record.hang) {
        signal.addEventListener('abort', () => log.warn('told to stop'))
        log.warn('hanging')
        await new Promise((resolve) => setTimeout(resolve, 600_000))
      }
      yield {records: [record]}
    }
  },
}
`

/** Makes lorchestra know the plugin, as the author of one does. */
export async function linkPlugin(folder: string, home: string): Promise<CliResult> {
  const result = await lorchestra(['plugins', 'link', folder, '--no-install'], {cwd: folder, home})
  if (result.code !== 0) throw new Error(`linking ${folder} failed: ${result.stderr}`)
  return result
}

/** Folders as `home` of many calls: what is linked there stays linked. */
export async function homeWith(...sources: readonly ExternalSource[]): Promise<string> {
  const home = await temporaryFolder()
  for (const source of sources) await linkPlugin(await writeExternalSource(source), home)
  return home
}

/** Knows the same plugins, and shares no other file. */
export async function copyOfHome(home: string): Promise<string> {
  const copy = await temporaryFolder()
  await cp(home, copy, {recursive: true})
  return copy
}

export interface Project {
  readonly folder: string
  readonly home: string
  /** The DuckDB file; not there until something was written. */
  readonly database: string
  run(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<CliResult>
  start(args: readonly string[], env?: Readonly<Record<string, string>>): Promise<RunningCli>
  write(file: string, content: string): Promise<void>
  writeRecords(records: readonly ExternalRecord[], file?: string): Promise<void>
  /** The window of each call of the source's `extract`, oldest first, where the job has `calls: RECORDED`. */
  calls(): readonly {readonly since?: string; readonly until: string}[]
}

/** A folder with a lorchestra.yaml, as a user has it; `jobs` are in YAML's own words. */
export async function createProject({home, yaml}: {home: string; yaml: string}): Promise<Project> {
  const folder = await temporaryFolder()
  const write = async (file: string, content: string): Promise<void> => writeFile(join(folder, file), content)
  const recorder = await startCallRecorder()
  await write('lorchestra.yaml', yaml.replaceAll('calls: RECORDED', `calls: ${recorder.url}`))
  return {
    folder,
    home,
    database: join(folder, 'lorchestra.duckdb'),
    write,
    run: async (args, env = {}) => lorchestra(args, {cwd: folder, home, env}),
    start: async (args, env = {}) => startLorchestra(args, {cwd: folder, home, env}),
    writeRecords: async (records, file = 'records.json') => write(file, JSON.stringify(records)),
    calls: () => recorder.calls.map((call) => JSON.parse(call) as {since?: string; until: string}),
  }
}

/** Resolves when the command has printed the text on stderr; rejects when it ends without. */
export async function untilStderrHas({process, result}: RunningCli, text: string): Promise<void> {
  let seen = ''
  const printed = new Promise<void>((resolve) => {
    process.stderr?.on('data', (chunk: string) => {
      seen += chunk
      if (seen.includes(text)) resolve()
    })
  })
  const ended = result.then(({stdout, stderr}) => {
    throw new Error(`the command ended without ${JSON.stringify(text)}: ${stdout}${stderr}`)
  })
  // It may well end later, when nobody waits any more.
  ended.catch(() => undefined)
  await Promise.race([printed, ended])
}

export async function exists(path: string): Promise<boolean> {
  try {
    await access(path)
    return true
  } catch {
    return false
  }
}
