import {mkdir, readdir, symlink} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {dataFolder, lorchestra, temporaryFolder} from '../support/cli.ts'
import {query} from '../support/database.ts'
import {
  copyOfHome,
  createProject,
  exists,
  linkPlugin,
  packageNameOf,
  writeExternalSource,
  type ExternalSource,
  type Project,
} from '../support/external-source.ts'
import {NPM} from '../support/npm.ts'
import {ownCopy} from '../support/own-copy.ts'
import {PACKAGE, runNode} from '../support/package-copy.ts'

const RECORDS = [{at: '2024-03-01T12:00:00Z', id: 'a'}]

/** Jobs of the working source and of another one. */
const yamlFor = (source: string): string => `
jobs:
  diary_entries:
    source: diary
    file: records.json
  other_entries:
    source: ${source}
    source_system: other
    file: records.json
    calls: RECORDED
`

let homeWithDiary = ''

async function projectWith(folders: readonly string[], source = 'other'): Promise<Project> {
  const home = await copyOfHome(homeWithDiary)
  for (const folder of folders) await linkPlugin(folder, home)
  const project = await createProject({home, yaml: yamlFor(source)})
  await project.writeRecords(RECORDS)
  return project
}

const storedIn = async ({database}: Project, table = 'raw_objects'): Promise<readonly unknown[]> =>
  (await query(database, `SELECT idem_key FROM ${table} ORDER BY 1`)).map((row) => row['idem_key'])

const sourceThatEndsWith = (code: string): string => `
export default {
  apiVersion: 1,
  name: 'other',
  summary: 'breaks off',
  options: {'~standard': {version: 1, vendor: 'other', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: true}],
  idemKey: (record, {objectType, sourceSystem}) => \`\${objectType}:\${sourceSystem}:\${record.id}\`,
  async *extract() {
    yield {records: [{id: 'a'}]}
    ${code}
  },
}
`

/** A source that writes through a second copy of the package, naming production. */
const SMUGGLER = `
import {createEvent, openSink, openWarehouse} from './own-copy.js'

const tables = {eventLog: 'event_log', rawObjects: 'raw_objects'}

export default {
  apiVersion: 1,
  name: 'other',
  summary: 'writes by itself',
  options: {'~standard': {version: 1, vendor: 'other', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: true}],
  idemKey: () => { throw new Error('there are no records') },
  async *extract({resolvePath, signal}) {
    const startedAt = new Date()
    const folder = resolvePath('spool-of-the-copy/smuggled')
    const sink = openSink({
      production: tables,
      openWarehouse: () =>
        openWarehouse(
          {type: 'duckdb', tables, settings: {path: resolvePath('lorchestra.duckdb')}},
          {temporaryFolder: folder, signal},
        ),
      folder,
      needsCoverage: false,
    }, 'production')
    const payload = {streams: ['smuggled/entry'], process: {host: 'elsewhere', pid: 1, token: 'none'}}
    await sink.begin({
      runId: 'smuggled',
      scopes: [{job: 'smuggled', account: null, selection: '', stream: {sourceSystem: 'smuggled', objectType: 'entry'}}],
      started: () => createEvent({type: 'job.started', runId: 'smuggled', at: startedAt, payload}),
    })
    await sink.upsertObjects([
      {idemKey: 'entry:smuggled:x', sourceSystem: 'smuggled', objectType: 'entry', externalId: 'x', json: '{"id":"x"}'},
    ])
    await sink.endSlice()
    await sink.commit(() => [])
    await sink.close()
  },
}
`

describe('source plugins', () => {
  before(async () => {
    homeWithDiary = await temporaryFolder()
    await linkPlugin(await writeExternalSource({name: 'diary'}), homeWithDiary)
  })

  describe('a source plugin', () => {
    it('is installed from a file without a network, runs, and is uninstalled', async () => {
      const home = await temporaryFolder()
      const packed = await temporaryFolder()
      const env = {
        npm_config_cache: join(home, 'npm'),
        npm_config_userconfig: join(home, 'npmrc'),
        npm_config_registry: 'http://127.0.0.1:9',
      }
      const folder = await writeExternalSource({name: 'other'})
      const pack = await runNode([NPM, 'pack', '--pack-destination', packed], {cwd: folder, home, env})
      expect(pack.code, pack.stderr).to.equal(0)
      const [file] = await readdir(packed)
      expect(file).to.equal('lorchestra-source-other-1.0.0.tgz')

      const install = await lorchestra(['plugins', 'install', `file:${join(packed, file ?? '')}`], {
        cwd: home,
        home,
        env,
      })
      expect(install.code, install.stderr).to.equal(0)
      expect(await readdir(join(dataFolder(home), 'node_modules'))).to.include('lorchestra-source-other')
      const project = await createProject({home, yaml: yamlFor('other')})
      await project.writeRecords(RECORDS)
      const run = await project.run(['run', 'other_entries'])
      expect(run.code, run.stderr).to.equal(0)
      expect(await storedIn(project)).to.deep.equal(['entry:other:a'])

      const uninstall = await lorchestra(['plugins', 'uninstall', 'lorchestra-source-other'], {cwd: home, home, env})
      expect(uninstall.code, uninstall.stderr).to.equal(0)
      const gone = await project.run(['run', 'other_entries'])
      expect(gone.code).to.equal(2)
      expect(gone.stderr).to.contain('no plugin offers the source "other"')
      expect(gone.stderr).to.contain('lorchestra plugins install')
    })
  })

  describe('a source plugin that is broken', () => {
    const broken: readonly {what: string; source: Omit<ExternalSource, 'name'>; says: readonly string[]}[] = [
      {
        what: 'whose hook throws',
        source: {files: {'hook.js': `export default async () => { throw new Error('the licence has expired') }`}},
        says: ['the licence has expired'],
      },
      {what: 'whose hook does not parse', source: {files: {'hook.js': 'export default async () => {'}}, says: []},
      {
        what: 'whose hook is not there',
        source: {oclif: {hooks: {'lorchestra:sources': './gone.js'}}},
        says: ['gone.js'],
      },
      {
        what: 'whose hook exports nothing',
        source: {files: {'hook.js': 'export {}'}},
        says: ['the lorchestra:sources hook', 'exports no function'],
      },
      {
        what: 'whose hook gives something else',
        source: {files: {'hook.js': 'export default async () => 42'}},
        says: ['expected a list of descriptors'],
      },
      {
        what: 'that was made for another lorchestra',
        source: {apiVersion: 2},
        says: ["version 2 of lorchestra's source contract", '  → Upgrade lorchestra.'],
      },
      {
        what: 'whose source does not load',
        source: {files: {'source.js': `import './missing.js'`}},
        says: ['could not be loaded', 'missing.js'],
      },
    ]
    for (const {what, source, says} of broken) {
      it(`is named, and the others work: one ${what}`, async () => {
        const project = await projectWith([await writeExternalSource({name: 'other', ...source})])
        const {code, stdout, stderr} = await project.run(['run', 'other_entries', 'diary_entries'])
        expect(code, stderr).to.equal(1)
        const error = stderr.slice(stderr.indexOf('Error: other_entries: '))
        expect(error).to.contain('lorchestra-source-other')
        expect(error).to.contain('\n  → ')
        for (const text of says) expect(error).to.contain(text)
        expect(stdout).to.contain('✓ diary_entries: 1 extracted, 1 inserted')
        expect(await storedIn(project)).to.deep.equal(['entry:diary:a'])
      })
    }

    it('because another one has the same source: both are named, and neither is used', async () => {
      const first = {name: 'other', packageName: 'first-of-two'}
      const second = {name: 'other', packageName: 'second-of-two'}
      const folders = await Promise.all([first, second].map(writeExternalSource))
      const project = await projectWith(folders)
      const {code, stderr} = await project.run(['run', 'other_entries'])
      expect(code).to.equal(1)
      expect(stderr).to.contain('more than one plugin offers the source other: first-of-two, second-of-two')
      expect(stderr).to.contain('  → Remove all but one')
      expect(project.calls()).to.deep.equal([])
      expect(await exists(project.database)).to.equal(false)
    })
  })

  describe('a source that breaks off', () => {
    for (const [what, end] of [
      ['waits for something that never comes', `await new Promise(() => undefined)`],
      [
        'lets go of an error',
        `Promise.reject(new Error('nobody caught this')); await new Promise((resolve) => setTimeout(resolve, 60_000))`,
      ],
      ['ends the process as if all were well', `process.exit(0)`],
    ] as const) {
      it(`fails its run, which says so like any other failed run: it ${what}`, async () => {
        const project = await projectWith([
          await writeExternalSource({name: 'other', files: {'source.js': sourceThatEndsWith(end)}}),
        ])
        const {code, stderr} = await project.run(['run', 'other_entries'])
        expect(code).to.equal(1)
        expect(stderr).to.contain('other_entries: ')
        expect(stderr).not.to.match(/^\s+at /m)
        expect(await exists(project.database), stderr).to.equal(true)
        expect(await storedIn(project)).to.deep.equal([])
      })
    }
  })

  describe('a source plugin that reaches for lorchestra itself', () => {
    for (const [what, file, code] of [
      ['from its hook', 'hook.js', `import 'lorchestra'\nexport default async () => []`],
      ['from its source', 'source.js', `import 'lorchestra/dist/sink/open-sink.js'`],
    ] as const) {
      it(`fails to load when it imports the package: ${what}`, async () => {
        const plugin = {name: 'other', files: {[file]: code}}
        const folder = await writeExternalSource(plugin)
        await mkdir(join(folder, 'node_modules'))
        await symlink(PACKAGE, join(folder, 'node_modules', 'lorchestra'))
        const project = await projectWith([folder])
        const result = await project.run(['run', 'other_entries'], {DEBUG: '1'})
        expect(result.code).to.equal(1)
        expect(result.stderr).to.contain(packageNameOf(plugin))
        expect(result.stderr).to.match(
          /ERR_PACKAGE_PATH_NOT_EXPORTED|No "exports" main defined|is not defined by "exports"/,
        )
        expect(await exists(project.database)).to.equal(false)
      })
    }

    it('cannot write anywhere with a full copy of it, in no mode', async () => {
      const files = {'source.js': SMUGGLER, 'own-copy.js': await ownCopy()}
      const folder = await writeExternalSource({name: 'other', files})
      const project = await projectWith([folder])
      for (const flags of [['--dry-run'], ['--test-table'], []]) {
        const {code, stderr} = await project.run(['run', 'other_entries', ...flags])
        expect(stderr).to.match(/the run mode is not set|a source runs in a box/)
        expect(code).to.equal(1)
        if (!(await exists(project.database))) continue
        const tables = await query(project.database, 'SELECT table_name FROM duckdb_tables() ORDER BY 1')
        for (const {table_name: table} of tables) {
          const rows = await query(project.database, `SELECT 1 FROM ${String(table)} WHERE source_system = 'smuggled'`)
          expect(rows).to.deep.equal([])
        }
      }
    })

    it('cannot print where results belong', async () => {
      const talker = SMUGGLER.replace(/^import .*$/gm, '').replace(
        /async \*extract[^]*?\n {2}\},/,
        `async *extract() { process.stdout.write('written\\n'); console.log('logged') },`,
      )
      const project = await projectWith([await writeExternalSource({name: 'other', files: {'source.js': talker}})])
      const {code, stdout, stderr} = await project.run(['run', 'other_entries', '--json'])
      expect(code, stderr).to.equal(0)
      expect(JSON.parse(stdout)).to.have.property('schema', 1)
      expect(stderr).to.contain('written\nlogged\n')
    })
  })
})
