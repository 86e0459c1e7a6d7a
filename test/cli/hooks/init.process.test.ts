import {readFile, rm, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {pathToFileURL} from 'node:url'

import {expect} from 'chai'

import {temporaryFolder, type CliResult} from '../../support/cli.ts'
import {createProject, exists, linkPlugin, writeExternalSource, type Project} from '../../support/external-source.ts'
import {copyPackage, PACKAGE, runNode, runProgram} from '../../support/package-copy.ts'

const JOB = 'diary_entries'
const MODES: readonly (readonly string[])[] = [[], ['--test-table'], ['--dry-run']]

const settingMode = (mode: string): string =>
  `import {setRunMode} from '../run-mode.js'\nexport default async () => setRunMode('${mode}')`

describe('the run mode', () => {
  let home: string
  let project: Project

  before(async () => {
    home = await temporaryFolder()
    await linkPlugin(await writeExternalSource({name: 'diary'}), home)
  })

  beforeEach(async () => {
    project = await createProject({
      home,
      yaml: `jobs:\n  ${JOB}:\n    source: diary\n    file: records.json\n    calls: RECORDED\n`,
    })
    await project.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}])
  })

  async function expectNothingWritten(results: readonly CliResult[]): Promise<void> {
    for (const {code, stderr} of results) {
      expect(code, stderr).to.equal(70)
      expect(stderr).to.match(/Error: the run mode is (unset|production|dry-run|test-table), but the flags say /)
      expect(stderr).to.contain('  → This is a bug in lorchestra; nothing was written.')
    }
    expect(await exists(project.database)).to.equal(false)
    expect(project.calls()).to.deep.equal([])
  }

  const brokenHooks: readonly {what: string; hook: string | undefined; modes: readonly (readonly string[])[]}[] = [
    {what: 'throws', hook: `export default async () => { throw new Error('broken') }`, modes: MODES},
    {what: 'is missing', hook: undefined, modes: MODES},
    {what: 'does not parse', hook: `export default async () => {`, modes: MODES},
    {what: 'sets production whatever is asked for', hook: settingMode('production'), modes: MODES.slice(1)},
    {what: 'sets a dry run whatever is asked for', hook: settingMode('dry-run'), modes: MODES.slice(0, 2)},
    {what: 'sets test tables whatever is asked for', hook: settingMode('test-table'), modes: [[], ['--dry-run']]},
  ]
  for (const {what, hook, modes} of brokenHooks) {
    it(`is not guessed when the init hook ${what}: nothing is written`, async () => {
      const copy = await copyPackage()
      const file = join(copy, 'dist', 'cli', 'hooks', 'init.js')
      await (hook === undefined ? rm(file) : writeFile(file, hook))
      const run = async (mode: readonly string[]): Promise<CliResult> =>
        runNode([join(copy, 'bin', 'run.js'), 'run', JOB, ...mode], {cwd: project.folder, home})
      await expectNothingWritten(await Promise.all(modes.map(run)))
    })
  }

  it('is unset where a script runs the command without the hook: nothing is written', async () => {
    const copy = await copyPackage()
    const script = join(copy, 'script.js')
    await writeFile(
      script,
      `import {handle} from '@oclif/core'
       import Run from './dist/commands/run.js'
       await Run.run(process.argv.slice(2), import.meta.url).catch(handle)`,
    )
    const run = async (mode: readonly string[]): Promise<CliResult> =>
      runNode([script, JOB, ...mode], {cwd: project.folder, home})
    await expectNothingWritten(await Promise.all(MODES.map(run)))
  })
})

describe('help', () => {
  let home: string
  let folder: string
  let recorder: string

  before(async () => {
    home = await temporaryFolder()
    folder = await temporaryFolder()
    await linkPlugin(await writeExternalSource({name: 'diary'}), home)
    recorder = join(folder, 'recorder.mjs')
    await writeFile(
      recorder,
      `import {appendFileSync} from 'node:fs'
       import {registerHooks} from 'node:module'
       registerHooks({
         load(url, context, next) {
           appendFileSync(process.env.LOADED, url + '\\n')
           return next(url, context)
         },
       })`,
    )
  })

  /** Runs lorchestra and reads which modules it loaded. */
  async function recorded(args: readonly string[], name: string): Promise<CliResult & {loaded: readonly string[]}> {
    const list = join(folder, name)
    const result = await runNode([join(PACKAGE, 'bin', 'run.js'), ...args], {
      cwd: folder,
      home,
      env: {NODE_OPTIONS: `--import=${pathToFileURL(recorder).href}`, LOADED: list},
    })
    return {...result, loaded: (await readFile(list, 'utf8')).trim().split('\n')}
  }

  const HEAVY = /@duckdb|@google-cloud|\/winston|\/engine|\/warehouse|\/plugins\/gmail\/|lorchestra-source-diary/

  it('and the version load no warehouse, no logger and no source', async () => {
    const lines = [['--version'], ['--help'], ['run', '--help'], ['run', JOB, '--dry-run', '--help']]
    const results = await Promise.all(lines.map(async (line, index) => recorded(line, `help-${index}`)))
    for (const {code, loaded} of results) {
      expect(code).to.equal(0)
      expect(loaded.some((url) => url.endsWith('/dist/cli/start.js'))).to.equal(true)
      expect(loaded.filter((url) => HEAVY.test(url))).to.deep.equal([])
    }
    await writeFile(join(folder, 'lorchestra.yaml'), `jobs:\n  ${JOB}:\n    source: diary\n    file: records.json\n`)
    await writeFile(join(folder, 'records.json'), '[]')
    const run = await recorded(['run', JOB, '--dry-run', '--since', '-1d'], 'run')
    expect(run.code, run.stderr).to.equal(0)
    const heavy = new Set(run.loaded.flatMap((url) => HEAVY.exec(url) ?? []))
    expect([...heavy], 'a dry run with --since needs no warehouse, and no plugin is loaded here').to.have.members([
      '/winston',
      '/engine',
    ])
  })

  it('of run shows the two safe modes, that they exclude each other, and examples', async () => {
    const {stdout, code} = await runNode([join(PACKAGE, 'bin', 'run.js'), 'run', '--help'], {cwd: folder, home})
    expect(code).to.equal(0)
    expect(stdout).to.contain('[--dry-run | --test-table]')
    expect(stdout.replaceAll(/\s+/g, ' ')).to.contain('--dry-run and --test-table, are mutually exclusive')
    expect(stdout).to.contain('$ lorchestra run gmail_ingest_acct1 --dry-run\n')
    expect(stdout).to.contain('$ lorchestra run gmail_ingest_acct1 --since -7d --test-table\n')
  })

  it('may be cut off by its reader', async () => {
    const line = '{ "$0" "$1" --help; echo "exit $?" >&2; } | true'
    const result = await runProgram('/bin/sh', ['-c', line, process.execPath, join(PACKAGE, 'bin', 'run.js')], {
      cwd: folder,
      home,
    })
    expect(result.stderr).to.equal('exit 0\n')
  })
})
