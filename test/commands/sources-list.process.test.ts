import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

interface Document {
  readonly schema: number
  readonly sources: readonly {readonly source: string; readonly plugin: object}[]
  readonly failures: readonly {readonly plugin: string}[]
}

describe('lorchestra sources list', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', version: '3.2.1', hook: hookOf('notes')})
  })

  it('shows each source with its summary and plugin, with no lorchestra.yaml needed', async () => {
    const {code, stdout, stderr} = await lorchestra(['sources', 'list'], {cwd: folder})
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.match(/^SOURCE +SUMMARY +PLUGIN +VERSION +ASKS FOR$/m)
    expect(stdout).to.match(/^gmail +\S.* +@lorchestra\/gmail +\d+\.\d+\.\d+ +google-adc$/m)
    expect(stdout).to.match(/^notes +Test records of notes +plugin-notes +3\.2\.1 +nothing more$/m)
  })

  it('shows a source whose plugin has no version yet', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', version: null, hook: hookOf('notes')})
    const {code, stdout, stderr} = await lorchestra(['sources', 'list'], {cwd: await temporaryFolder()})
    expect([code, stderr]).to.deep.equal([0, ''])
    expect(stdout).to.match(/^notes .*plugin-notes +none +nothing more$/m)
  })

  it('says which source wants to start processes', async () => {
    const hook = hookOf('shell', {descriptor: 'spawn: true'})
    await installPlugin(await homeOfTest(), {name: 'plugin-shell', hook})
    const {stdout} = await lorchestra(['sources', 'list'], {cwd: folder})
    expect(stdout).to.match(/^shell .*1\.0\.0 +spawn$/m)
    const listed = await lorchestra(['sources', 'list', '--json'], {cwd: folder})
    const {sources} = JSON.parse(listed.stdout) as {sources: readonly {source: string; spawn: boolean}[]}
    expect(sources.filter(({spawn}) => spawn).map(({source}) => source)).to.deep.equal(['shell'])
  })

  it('names a broken plugin on stderr and shows the others', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-bad', hook: "throw new Error('half installed')"})
    const {code, stdout, stderr} = await lorchestra(['sources', 'list'], {cwd: folder})
    expect(code).to.equal(0)
    expect(stdout).to.include('plugin-notes').and.not.to.include('plugin-bad')
    expect(stderr).to.match(/^Warning: the plugin plugin-bad .*half installed\n {2}→ .*plugin-bad/)
  })

  it('shows neither of two sources with one name, and names both plugins', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-copy', hook: hookOf('notes')})
    const {stdout, stderr} = await lorchestra(['sources', 'list'], {cwd: folder})
    expect(stdout).not.to.include('notes')
    expect(stderr).to.include('more than one plugin offers the source notes: plugin-copy, plugin-notes')
  })

  it('keeps a plugin from writing over the terminal', async () => {
    const hook = hookOf('evil', {source: "summary: 'one\\u001b[2Jtwo\\nthree',"})
    await installPlugin(await homeOfTest(), {name: 'plugin-evil', hook})
    const {stdout} = await lorchestra(['sources', 'list'], {cwd: folder})
    expect(stdout).to.include('one [2Jtwo three')
  })

  it('is one document with --json, with what is broken in it', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-bad', hook: "throw new Error('half installed')"})
    const {code, stdout} = await lorchestra(['sources', 'list', '--json'], {cwd: folder})
    expect(code).to.equal(0)
    const {schema, sources, failures} = JSON.parse(stdout) as Document
    expect(schema).to.equal(1)
    expect(sources.find(({source}) => source === 'notes')?.plugin).to.deep.equal({
      name: 'plugin-notes',
      version: '3.2.1',
      type: 'user',
    })
    expect(failures.map(({plugin}) => plugin)).to.deep.equal(['plugin-bad'])
  })
})
