import {mkdir, readdir, readFile, stat, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {itemsOf, startService} from '../../templates/source/test/service.ts'
import {lorchestra, temporaryFolder} from '../support/cli.ts'
import {createProject, linkPlugin} from '../support/external-source.ts'
import {PACKAGE, runNode} from '../support/package-copy.ts'

const TSC = join(PACKAGE, 'node_modules', 'typescript', 'bin', 'tsc')

const filesIn = async (folder: string): Promise<readonly string[]> => {
  const entries = await readdir(folder, {recursive: true, withFileTypes: true})
  return entries.filter((entry) => entry.isFile()).map(({parentPath, name}) => join(parentPath, name))
}

const contentOf = async (path: string): Promise<Record<string, Record<string, string>>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, Record<string, string>>

describe('lorchestra sources create', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  it('writes a plugin whose tests pass as written, and which is linked and run in all modes', async () => {
    const created = await lorchestra(['sources', 'create', 'field-notes'], {cwd: folder})
    expect(created.code, created.stderr).to.equal(0)
    const plugin = join(folder, 'lorchestra-source-field-notes')
    for (const next of ['npm install && npm test', 'plugins link', 'run field-notes_items --dry-run'])
      expect(created.stdout).to.include(next)
    for (const file of await filesIn(plugin)) {
      expect((await readFile(file, 'utf8')).replaceAll('example.com', ''), file).not.to.include('example')
    }

    // What `npm install` brings.
    await symlink(join(PACKAGE, 'node_modules'), join(plugin, 'node_modules'))
    const home = await temporaryFolder()
    for (const script of [[TSC], [TSC, '-p', 'test'], ['--test', '--test-reporter', 'tap', 'test/**/*.test.ts']]) {
      const {code, stdout, stderr} = await runNode(script, {cwd: plugin, home})
      expect(code, stdout + stderr).to.equal(0)
      if (script[0] === '--test') expect(stdout).to.match(/# pass 18\n# fail 0/)
    }
    await linkPlugin(plugin, home)
    const service = await startService(itemsOf({records: 30, size: 10}))
    try {
      const yaml = await readFile(join(plugin, 'lorchestra.yaml'), 'utf8')
      const project = await createProject({home, yaml: yaml.replace('http://127.0.0.1:8787', service.url)})
      expect((await project.run(['sources', 'list'])).stdout).to.match(/^field-notes +Items of the field-notes API/m)
      for (const [flags, says] of [
        [['--dry-run'], '[DRY-RUN] field-notes_items: 30 extracted'],
        [['--test-table'], '[TEST] field-notes_items: 30 extracted, 30 inserted'],
        [[], '✓ field-notes_items: 30 extracted, 30 inserted'],
      ] as const) {
        const {code, stdout, stderr} = await project.run(['run', 'field-notes_items', ...flags])
        expect(code, stderr).to.equal(0)
        expect(stdout).to.include(says)
      }
    } finally {
      await service.close()
    }
  })

  for (const name of ['Notes', '-notes', 'my notes', '../notes', 'ünter', 'a'.repeat(64)]) {
    it(`refuses the name ${name}`, async () => {
      const {code, stderr} = await lorchestra(['sources', 'create', '--', name], {cwd: folder})
      expect(code).to.equal(2)
      expect(stderr).to.include('is not a name for a source').and.to.include('\n  → ')
      expect(await readdir(folder)).to.deep.equal([])
    })
  }

  it('refuses the name of a source that there is already', async () => {
    const {code, stderr} = await lorchestra(['sources', 'create', 'gmail'], {cwd: folder})
    expect(code).to.equal(2)
    expect(stderr).to.include('the plugin @lorchestra/gmail offers a source gmail already')
    expect(await readdir(folder)).to.deep.equal([])
  })

  it('never writes over a file, and then writes nothing at all', async () => {
    await mkdir(join(folder, 'here', 'src'), {recursive: true})
    await writeFile(join(folder, 'here', 'src', 'source.ts'), 'mine')
    const {code, stderr} = await lorchestra(['sources', 'create', 'notes', '--directory', 'here'], {cwd: folder})
    expect(code).to.equal(2)
    expect(stderr).to.include(`${join('here', 'src', 'source.ts')} is there already; nothing was written`)
    expect(await filesIn(folder)).to.deep.equal([join(folder, 'here', 'src', 'source.ts')])
    expect(await readFile(join(folder, 'here', 'src', 'source.ts'), 'utf8')).to.equal('mine')
  })

  it('answers with one document for --json, and takes another lorchestra where it is told to', async () => {
    const args = ['sources', 'create', 'notes', '--json', '--lorchestra', '^7.0.0']
    const {code, stdout} = await lorchestra(args, {cwd: folder})
    expect(code).to.equal(0)
    const document = JSON.parse(stdout) as {written: string[]}
    expect(document).to.include({schema: 1, source: 'notes', folder: 'lorchestra-source-notes', lorchestra: '^7.0.0'})
    expect(document.written.toSorted()).to.deep.equal((await filesIn(folder)).toSorted())
    for (const path of document.written) expect((await stat(path)).isFile()).to.equal(true)
    const {devDependencies} = await contentOf(join(folder, 'lorchestra-source-notes', 'package.json'))
    expect(devDependencies?.['lorchestra']).to.equal('^7.0.0')
  })
})
