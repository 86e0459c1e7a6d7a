import {mkdir, readFile, rename, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {dataFolder, lorchestra, temporaryFolder, type CliResult} from '../support/cli.ts'
import {query} from '../support/database.ts'
import {
  createProject,
  exists,
  writeExternalSource,
  type ExternalSource,
  type Project,
} from '../support/external-source.ts'
import {startRegistry, type Registry} from '../support/registry.ts'

const BROKEN_HOOK = {'hook.js': `throw new Error('this version is broken')`}
/** It asks for more than the version before. */
const READING_HOOK = {
  'hook.js': `export default () => [
  {apiVersion: 1, name: 'grown', summary: 'more', reads: ['google-adc'], spawn: true, load: async () => (await import('./source.js')).default},
]`,
}

describe('installing plugins from a registry', () => {
  let registry: Registry
  let home: string

  /** `more`: other keys of its package.json. */
  async function publish(source: ExternalSource, version: string, more: object = {}): Promise<void> {
    const folder = await writeExternalSource(source)
    const path = join(folder, 'package.json')
    const content = JSON.parse(await readFile(path, 'utf8')) as object
    await writeFile(path, JSON.stringify({...content, version, ...more}))
    await registry.publish(folder)
  }

  const plugins = async (args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<CliResult> =>
    lorchestra(['plugins', ...args], {cwd: home, home, env: {...registry.env, ...env}})

  async function project(source: string): Promise<Project> {
    const yaml = `jobs:\n  entries:\n    source: ${source}\n    file: records.json\n`
    const made = await createProject({home, yaml})
    await made.writeRecords([{at: '2024-03-01T12:00:00Z', id: 'a'}])
    return made
  }

  const versionOf = async (source: string): Promise<string> => {
    const {stdout} = await lorchestra(['sources', 'list'], {cwd: home, home})
    return new RegExp(`^${source} .* (\\S+) +nothing more$`, 'm').exec(stdout)?.[1] ?? 'none'
  }

  before(async () => {
    registry = await startRegistry()
    await publish({name: 'field'}, '1.0.0')
    const scripts = {postinstall: `node -e "require('fs').writeFileSync(process.env.WITNESS, '')"`}
    await publish({name: 'script'}, '1.0.0', {scripts})
    await publish({name: 'upgraded'}, '1.0.0')
    await publish({name: 'upgraded', files: BROKEN_HOOK}, '2.0.0')
    await publish({name: 'field', packageName: 'second-of-two'}, '1.0.0')
    await publish({name: 'grown'}, '1.0.0')
    await publish({name: 'grown', files: READING_HOOK}, '1.1.0')
    await publish({name: 'none', packageName: 'no-plugin'}, '1.0.0', {oclif: undefined})
  })
  after(async () => {
    await registry.close()
  })
  beforeEach(async () => {
    home = await temporaryFolder()
  })

  it('makes a source known: it is listed, and its job runs in all modes', async () => {
    const installed = await plugins(['install', 'lorchestra-source-field'])
    expect(installed.code, installed.stderr).to.equal(0)
    expect(installed.stdout).to.equal(
      `Installed lorchestra-source-field 1.0.0; it offers the source field.
  field may read its own package and the files that options name, and nothing more.
`,
    )
    const {run, database} = await project('field')
    expect((await run(['sources', 'list'])).stdout).to.match(
      /^field .* lorchestra-source-field +1\.0\.0 +nothing more$/m,
    )
    expect((await run(['jobs', 'list'])).stdout).to.match(/^entries +field /m)
    expect((await run(['run', 'entries', '--dry-run'])).stdout).to.include('[DRY-RUN] entries: 1 extracted')
    expect(await exists(database)).to.equal(false)
    expect((await run(['run', 'entries', '--test-table'])).stdout).to.include('[TEST] entries: 1 extracted, 1 inserted')
    expect((await run(['run', 'entries'])).stdout).to.include('✓ entries: 1 extracted, 1 inserted')
    expect(await query(database, 'SELECT idem_key FROM raw_objects')).to.deep.equal([{idem_key: 'entry:field:a'}])
    expect((await plugins(['install', 'lorchestra-source-field'])).stdout).to.include('is installed already')
  })

  it('says what a source may read once it is installed, and once it is updated', async () => {
    const spec = 'lorchestra-source-grown@1.0.0'
    expect((await plugins(['install', spec])).stdout).to.contain('grown may read its own package')
    const path = join(dataFolder(home), 'package.json')
    await writeFile(path, (await readFile(path, 'utf8')).replaceAll('1.0.0', 'latest'))
    const updated = await plugins(['update'])
    expect(updated.stdout, updated.stderr).to.equal(
      `Updated lorchestra-source-grown to 1.1.0.
  grown may read its own package and the files that options name, and google-adc (the default credentials of Google on this machine).
  grown wants to start processes, which are in no box and can read and write all that you can, in every mode; it is refused to each account that does not say \`allow: [spawn]\`.
`,
    )
    const {stdout} = await lorchestra(['sources', 'list'], {cwd: home, home})
    expect(stdout).to.match(/^grown .* 1\.1\.0 +google-adc, spawn$/m)
  })

  it('runs no install script unless it is told to', async () => {
    const witness = join(home, 'witness')
    const first = await plugins(['add', 'lorchestra-source-script'], {WITNESS: witness})
    expect(first.code, first.stderr).to.equal(0)
    expect(await exists(witness)).to.equal(false)
    await plugins(['update'], {WITNESS: witness})
    await plugins(['uninstall', 'lorchestra-source-script'], {WITNESS: witness})
    expect(await exists(witness)).to.equal(false)
    const asked = await plugins(['install', 'lorchestra-source-script', '--allow-scripts'], {WITNESS: witness})
    expect(asked.code, asked.stderr).to.equal(0)
    expect(await exists(witness)).to.equal(true)
  })

  for (const [what, args, says] of [
    [
      'there is no such version',
      ['install', 'lorchestra-source-upgraded@9.9.9'],
      'the registry has no lorchestra-source-upgraded@9.9.9',
    ],
    [
      'the new version is broken',
      ['install', 'lorchestra-source-upgraded@2.0.0'],
      'this version is broken; it was not installed',
    ],
    ['the update is broken', ['update'], 'this version is broken; it was not installed'],
  ] as const) {
    it(`keeps the version that works where ${what}`, async () => {
      const first =
        args[0] === 'update' ? 'lorchestra-source-upgraded@>=1.0.0 <2.0.0' : 'lorchestra-source-upgraded@1.0.0'
      expect((await plugins(['install', first])).code).to.equal(0)
      if (args[0] === 'update') {
        const path = join(dataFolder(home), 'package.json')
        await writeFile(path, (await readFile(path, 'utf8')).replaceAll('>=1.0.0 <2.0.0', 'latest'))
      }
      const {code, stderr} = await plugins([...args])
      expect(code, stderr).to.be.oneOf([1, 2])
      expect(stderr).to.include(says).and.to.include('\n  → ')
      expect(await versionOf('upgraded')).to.equal('1.0.0')
      expect((await (await project('upgraded')).run(['run', 'entries', '--dry-run'])).code).to.equal(0)
    })
  }

  it('keeps the version that works where the registry goes away', async () => {
    expect((await plugins(['install', 'lorchestra-source-upgraded@1.0.0'])).code).to.equal(0)
    const {code, stderr} = await plugins(['update'], {
      npm_config_registry: 'http://127.0.0.1:9',
      npm_config_fetch_retries: '0',
    })
    expect(code).to.equal(1)
    expect(stderr).to.include('What was installed before is as it was')
    expect(await versionOf('upgraded')).to.equal('1.0.0')
  })

  it('tells a registry that cannot be reached from a package that is not there', async () => {
    const gone = await plugins(['install', 'lorchestra-source-field'], {npm_config_registry: 'http://127.0.0.1:9'})
    expect(gone.code).to.equal(1)
    expect(gone.stderr)
      .to.include('the registry could not be asked for lorchestra-source-field')
      .and.to.include('ECONNREFUSED')
    expect(gone.stderr).not.to.include('no package')
    const unknown = await plugins(['install', 'lorchestra-source-feild'])
    expect(unknown.code).to.equal(2)
    expect(unknown.stderr).to.include('there is no package lorchestra-source-feild in the registry')
  })

  it('says so where the file is not there', async () => {
    const {code, stderr} = await plugins(['install', './lorchestra-source-field-1.0.0.tgz'])
    expect(code).to.equal(2)
    expect(stderr).to.include(`there is no ${join(home, 'lorchestra-source-field-1.0.0.tgz')}`)
  })

  it('does not install what is no plugin', async () => {
    const {code, stderr} = await plugins(['install', 'no-plugin'])
    expect(code).to.equal(1)
    expect(stderr).to.include('plugin is invalid')
    expect(await exists(join(dataFolder(home), 'node_modules', 'no-plugin'))).to.equal(false)
  })

  it('does not install a second plugin with the name of a source, and names both', async () => {
    expect((await plugins(['install', 'lorchestra-source-field'])).code).to.equal(0)
    const {code, stderr} = await plugins(['install', 'second-of-two'])
    expect(code).to.equal(2)
    expect(stderr).to.include('second-of-two and lorchestra-source-field both offer the source field')
    expect(await versionOf('field')).to.equal('1.0.0')
  })

  it('answers with one document for --json', async () => {
    const {code, stdout} = await plugins(['install', 'lorchestra-source-field', '--json'])
    expect(code).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      plugins: [{name: 'lorchestra-source-field', version: '1.0.0', sources: ['field'], reads: {field: []}, spawn: []}],
    })
    const failed = await plugins(['install', 'lorchestra-source-feild', '--json'])
    expect(JSON.parse(failed.stdout)).to.have.nested.property('error.outcome', 'usage')
  })

  it('puts back what was there when an earlier change was killed between two renames', async () => {
    expect((await plugins(['install', 'lorchestra-source-field'])).code).to.equal(0)
    const data = dataFolder(home)
    await mkdir(`${data}.old`)
    await rename(join(data, 'node_modules'), join(`${data}.old`, 'node_modules'))
    await mkdir(join(data, 'node_modules', 'half'), {recursive: true})
    expect((await plugins(['install', 'lorchestra-source-upgraded@1.0.0'])).code).to.equal(0)
    expect(await versionOf('field')).to.equal('1.0.0')
    expect(await versionOf('upgraded')).to.equal('1.0.0')
    for (const left of ['.old', '.new']) expect(await exists(`${data}${left}`)).to.equal(false)
  })
})
