import {readdirSync, readFileSync} from 'node:fs'
import {dirname, join, relative, resolve} from 'node:path'

import {expect} from 'chai'

const root = resolve(import.meta.dirname, '..')

/**
 * Who may import whom at run time, by file or folder of src (`import type` counts for nothing). A file that is not
 * named here may import nothing, so a new one has to be given its place.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  'source.ts': [],
  'oclif.ts': [],
  'one-line.ts': [],
  'json-text.ts': ['exact-json.ts'],
  'errors.ts': ['one-line.ts'],
  'counts.ts': [],
  'window.ts': [],
  'pause.ts': [],
  'system-error.ts': [],
  'process-identity.ts': ['system-error.ts'],
  'run-mode.ts': ['errors.ts'],
  'close-match.ts': [],
  'name.ts': [],
  'results-output.ts': [],
  'loopback.ts': [],
  'node-version.ts': ['errors.ts'],
  'duration.ts': ['errors.ts'],
  'instant.ts': ['errors.ts'],
  'log.ts': [],
  'events.ts': [],
  'keyed-record.ts': ['errors.ts', 'json-text.ts'],
  'source-pages.ts': ['errors.ts', 'until-aborted.ts'],
  'exact-json.ts': [],
  http: ['exact-json.ts', 'http', 'loopback.ts', 'pause.ts'],
  'http.ts': ['http'],
  'signals.ts': ['errors.ts'],
  'file-lock.ts': ['errors.ts', 'pause.ts', 'process-identity.ts', 'system-error.ts'],
  'secret-store.ts': ['errors.ts', 'file-lock.ts', 'name.ts', 'system-error.ts'],
  'starter-files.ts': [],
  'schema-reference.ts': [],
  'bash-completion.ts': [],
  'zsh-completion.ts': [],
  'ask-for-starter.ts': ['errors.ts', 'name.ts', 'starter-files.ts'],
  'text-table.ts': [],
  'config.ts': ['close-match.ts', 'config', 'errors.ts'],
  config: [
    'close-match.ts',
    'config',
    'duration.ts',
    'errors.ts',
    'instant.ts',
    'loopback.ts',
    'name.ts',
    'system-error.ts',
    'warehouse/tables.ts',
  ],
  'jobs.ts': ['close-match.ts', 'config', 'duration.ts', 'errors.ts', 'instant.ts'],
  'job-options.ts': ['close-match.ts', 'config', 'errors.ts'],
  'job-secrets.ts': ['secret-store.ts'],
  'login-account.ts': [
    'close-match.ts',
    'duration.ts',
    'errors.ts',
    'http.ts',
    'job-options.ts',
    'job-secrets.ts',
    'jobs.ts',
    'sources.ts',
    'until-aborted.ts',
  ],
  'account-list.ts': ['config', 'job-secrets.ts'],
  'browser.ts': [],
  'job-description.ts': [
    'config',
    'duration.ts',
    'errors.ts',
    'job-options.ts',
    'job-secrets.ts',
    'jobs.ts',
    'sources.ts',
    'text-table.ts',
    'warehouse/tables.ts',
  ],
  'sources.ts': ['close-match.ts', 'errors.ts', 'name.ts', 'source-failures.ts'],
  'source-failures.ts': [],
  plugins: ['errors.ts', 'file-lock.ts', 'oclif.ts', 'plugins', 'sources.ts', 'system-error.ts'],
  'write-starter-files.ts': ['errors.ts', 'system-error.ts'],
  'source-template.ts': ['errors.ts', 'system-error.ts'],
  'window-request.ts': ['errors.ts', 'duration.ts', 'instant.ts'],
  'plan.ts': ['errors.ts', 'window.ts'],
  'until-aborted.ts': [],
  'turns.ts': ['until-aborted.ts'],
  'read-slice.ts': ['counts.ts', 'errors.ts', 'json-text.ts', 'slice-intake.ts', 'source-pages.ts'],
  'slice-intake.ts': ['errors.ts', 'events.ts', 'keyed-record.ts', 'one-line.ts', 'window.ts'],
  'estimate.ts': ['read-slice.ts', 'slices.ts', 'until-aborted.ts'],
  'slices.ts': [],
  'commit-ledger.ts': ['counts.ts', 'window.ts'],
  'run-job.ts': [
    'commit-ledger.ts',
    'counts.ts',
    'errors.ts',
    'estimate.ts',
    'events.ts',
    'plan.ts',
    'process-identity.ts',
    'read-slice.ts',
    'until-aborted.ts',
    'window.ts',
  ],
  'run-history.ts': ['counts.ts', 'process-identity.ts', 'warehouse/tables.ts', 'window.ts'],
  'warehouse-report.ts': ['text-table.ts', 'window.ts'],
  'run-history-report.ts': ['text-table.ts', 'window.ts'],
  'signed-in.ts': ['errors.ts'],
  'doctor.ts': [
    'errors.ts',
    'http.ts',
    'job-options.ts',
    'job-secrets.ts',
    'jobs.ts',
    'node-version.ts',
    'read-slice.ts',
    'run-history.ts',
    'signed-in.ts',
    'sources.ts',
    'until-aborted.ts',
    'warehouse/open-warehouse.ts',
    'warehouse/tables.ts',
  ],
  'notifications.ts': [
    'config',
    'errors.ts',
    'loopback.ts',
    'report.ts',
    'run-history.ts',
    'warehouse/open-warehouse.ts',
  ],
  'report.ts': ['errors.ts', 'window.ts'],
  'progress-line.ts': [],
  'terminal-reporter.ts': ['errors.ts', 'progress-line.ts', 'report.ts'],
  'run-jobs.ts': [
    'duration.ts',
    'errors.ts',
    'http',
    'http.ts',
    'instant.ts',
    'job-options.ts',
    'job-secrets.ts',
    'jobs.ts',
    'report.ts',
    'run-job.ts',
    'signed-in.ts',
    'sink/open-sink.ts',
    'sources.ts',
    'turns.ts',
    'warehouse/open-warehouse.ts',
  ],
  sink: [
    'errors.ts',
    'process-identity.ts',
    'run-mode.ts',
    'system-error.ts',
    'sink',
    'warehouse/tables.ts',
    'warehouse/warehouse.ts',
  ],
  warehouse: [
    'duration.ts',
    'errors.ts',
    'events.ts',
    'file-lock.ts',
    'pause.ts',
    'process-identity.ts',
    'system-error.ts',
    'turns.ts',
    'until-aborted.ts',
    'warehouse',
  ],
  testing: [
    'config/file-schema.ts',
    'counts.ts',
    'duration.ts',
    'errors.ts',
    'exact-json.ts',
    'http.ts',
    'http/account-traffic.ts',
    'instant.ts',
    'keyed-record.ts',
    'log.ts',
    'name.ts',
    'plan.ts',
    'read-slice.ts',
    'testing',
  ],
  hooks: ['bash-completion.ts', 'close-match.ts', 'oclif.ts', 'run-mode.ts', 'system-error.ts', 'zsh-completion.ts'],
  'command.ts': ['config.ts', 'errors.ts', 'log.ts', 'oclif.ts'],
  commands: [
    'account-list.ts',
    'browser.ts',
    'command.ts',
    'config.ts',
    'duration.ts',
    'doctor.ts',
    'errors.ts',
    'job-description.ts',
    'jobs.ts',
    'log.ts',
    'login-account.ts',
    'node-version.ts',
    'notifications.ts',
    'oclif.ts',
    'plan.ts',
    'plugins',
    'results-output.ts',
    'run-history.ts',
    'run-history-report.ts',
    'run-jobs.ts',
    'run-mode.ts',
    'signals.ts',
    'name.ts',
    'source-template.ts',
    'sources.ts',
    'starter-files.ts',
    'schema-reference.ts',
    'ask-for-starter.ts',
    'system-error.ts',
    'terminal-reporter.ts',
    'text-table.ts',
    'warehouse-report.ts',
    'warehouse/open-warehouse.ts',
    'warehouse/tables.ts',
    'window-request.ts',
    'write-starter-files.ts',
  ],
}

/** Packages that are slow to import: only ever with `await import()`, or from a file that is itself loaded so. */
const LAZY_PACKAGES = ['@azure/msal-node', '@duckdb/node-api', 'google-auth-library', 'open', 'undici', 'winston']
const LAZY_FILES = ['warehouse/duckdb/key-index.ts']

interface Import {
  readonly specifier: string
  readonly lazy: boolean
}

function runtimeImports(file: string): readonly Import[] {
  const text = readFileSync(file, 'utf8')
  const found: Import[] = []
  for (const match of text.matchAll(/^(?:import|export)\s(?!type\b)([^'"]*?)\sfrom\s+['"]([^'"]+)['"]/gms)) {
    const names = match[1] ?? ''
    const onlyTypes =
      names.startsWith('{') &&
      names
        .slice(1, -1)
        .split(',')
        .every((name) => name.trim() === '' || name.trim().startsWith('type '))
    if (!onlyTypes) found.push({specifier: match[2] ?? '', lazy: false})
  }
  for (const match of text.matchAll(/^import\s+['"]([^'"]+)['"]/gm))
    found.push({specifier: match[1] ?? '', lazy: false})
  for (const match of text.matchAll(/\bimport\(\s*['"]([^'"]+)['"]\s*\)/g))
    found.push({specifier: match[1] ?? '', lazy: true})
  return found
}

const filesBelow = (folder: string): readonly string[] =>
  readdirSync(folder, {recursive: true, encoding: 'utf8'})
    .filter((name) => name.endsWith('.ts'))
    .map((name) => join(folder, name))

const src = join(root, 'src')
const sourceFiles = filesBelow(src)
const pluginFiles = readdirSync(join(root, 'plugins')).flatMap((name) => filesBelow(join(root, 'plugins', name, 'src')))

const roomOf = (file: string): string => {
  const path = relative(src, file)
  return path in MAY_IMPORT ? path : (path.split('/')[0] ?? path)
}

describe('the house', () => {
  it('has a place for every file, and every import goes in the one direction', () => {
    const wrong: string[] = []
    for (const file of sourceFiles) {
      const allowed = MAY_IMPORT[roomOf(file)]
      if (allowed === undefined) {
        wrong.push(`${relative(src, file)} has no place in MAY_IMPORT`)
        continue
      }
      for (const {specifier} of runtimeImports(file)) {
        if (!specifier.startsWith('.')) continue
        const target = relative(src, resolve(dirname(file), specifier))
        const fits = allowed.some((place) => target === place || target.startsWith(`${place}/`))
        if (!fits) wrong.push(`${relative(src, file)} imports ${target}`)
      }
    }
    expect(wrong).to.deep.equal([])
  })

  it('lets no command, hook or reporter reach a warehouse but through the sink', () => {
    const reaching = sourceFiles.filter((file) =>
      runtimeImports(file).some(
        ({specifier}) => /warehouse\/(duckdb|bigquery)/.test(specifier) || specifier.includes('./duckdb/'),
      ),
    )
    expect(reaching.map((file) => relative(src, file))).to.deep.equal(['warehouse/open-warehouse.ts'])
  })

  it('lets nobody reach a sink, a warehouse or the run mode through the conformance suite', () => {
    const reached = new Set<string>()
    const open = [join(src, 'testing', 'conformance.ts')]
    for (let file = open.pop(); file !== undefined; file = open.pop()) {
      reached.add(relative(src, file))
      for (const {specifier} of runtimeImports(file)) {
        const target = resolve(dirname(file), specifier)
        if (specifier.startsWith('.') && !reached.has(relative(src, target))) open.push(target)
      }
    }
    expect(reached.size).to.be.above(20)
    expect(
      [...reached].filter((file) => /^(sink|warehouse|commands|hooks)\/|run-mode|run-job/.test(file)),
    ).to.deep.equal([])
  })

  it('asks for the run mode in the sink and the run command alone', () => {
    const asking = sourceFiles
      .filter((file) => /\b(runMode|currentRunMode)\(/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(src, file))
    expect(asking.toSorted()).to.deep.equal(['commands/run.ts', 'run-mode.ts', 'sink/open-sink.ts'])
  })

  it('sets the run mode in the init hook alone', () => {
    const setting = sourceFiles
      .filter((file) => /\bsetRunMode\(/.test(readFileSync(file, 'utf8')))
      .map((file) => relative(src, file))
    expect(setting.toSorted()).to.deep.equal(['hooks/init.ts', 'run-mode.ts'])
  })

  it('loads what is slow to load only when it is needed', () => {
    const eager = [...sourceFiles, ...pluginFiles]
      .filter((file) => !LAZY_FILES.includes(relative(src, file)))
      .flatMap((file) =>
        runtimeImports(file)
          .filter(({specifier, lazy}) => !lazy && LAZY_PACKAGES.includes(specifier))
          .map(({specifier}) => `${relative(src, file)} imports ${specifier}`),
      )
    expect(eager).to.deep.equal([])
  })

  it('imports oclif by the one file that the build makes fast', () => {
    const importing = sourceFiles.filter((file) =>
      runtimeImports(file).some(({specifier}) => specifier.startsWith('@oclif/')),
    )
    expect(importing.map((file) => relative(src, file))).to.deep.equal(['oclif.ts'])
  })

  it('has plugins that import nothing of the host at run time', () => {
    const reaching = pluginFiles.filter((file) =>
      runtimeImports(file).some(
        ({specifier}) =>
          specifier === 'lorchestra' || specifier.startsWith('lorchestra/') || specifier.includes('../../../src'),
      ),
    )
    expect(reaching).to.deep.equal([])
  })

  it('knows no source by name: deleting a plugin folder leaves nothing behind in src', () => {
    const names = readdirSync(join(root, 'plugins'))
    const naming = sourceFiles
      .filter((file) => !['starter-files.ts', 'commands/run.ts'].includes(relative(src, file)))
      .filter((file) => {
        const code = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')
        return names.some((name) => new RegExp(`\\b${name}\\b`, 'i').test(code))
      })
    expect(naming.map((file) => relative(src, file))).to.deep.equal([])
  })

  it('chooses exit codes in errors.ts alone', () => {
    const choosing = sourceFiles
      .filter((file) => relative(src, file) !== 'errors.ts')
      .filter((file) => /\.exit\(\s*\d|process\.exit\(|exitCode\s*=|exit:\s*\d/.test(readFileSync(file, 'utf8')))
    expect(choosing.map((file) => relative(src, file))).to.deep.equal([])
  })

  it('has no drawers', () => {
    const drawers = /(^|\/)(utils?|helpers?|common|lib|misc|shared|types\.ts|index\.ts)(\/|\.ts$|$)/
    expect(sourceFiles.map((file) => relative(src, file)).filter((path) => drawers.test(path))).to.deep.equal([])
  })

  it('keeps every file small enough to have one reason to exist', () => {
    const large = sourceFiles.filter((file) => readFileSync(file, 'utf8').split('\n').length > 300)
    expect(large.map((file) => relative(src, file))).to.deep.equal([])
  })
})
