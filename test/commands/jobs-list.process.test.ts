import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

const FILE = `
accounts:
  acct1: {source: notes, token: "\${NOT_SET}"}
jobs:
  a_job_with_quite_a_long_name_that_is_shown_whole: {account: acct1}
  short: {source: notes, start: "\${NOT_SET}"}
`

describe('lorchestra jobs list', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: hookOf('notes')})
    await writeFile(join(folder, 'lorchestra.yaml'), FILE)
  })

  it('shows every job with its source, account and source system, whatever variables are missing', async () => {
    const {code, stdout, stderr} = await lorchestra(['jobs', 'list'], {cwd: folder})
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.equal(`JOB                                               SOURCE  ACCOUNT  SOURCE SYSTEM
a_job_with_quite_a_long_name_that_is_shown_whole  notes   acct1    notes--acct1
short                                             notes   -        notes
`)
  })

  it('says which sources are missing and which plugins are broken', async () => {
    await installPlugin(await homeOfTest(), {name: 'plugin-bad', hook: "throw new Error('half installed')"})
    await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {contacts: {source: unheard-of}}')
    const {code, stdout, stderr} = await lorchestra(['jobs', 'list'], {cwd: folder})
    expect(code).to.equal(0)
    expect(stdout).to.include('unheard-of (missing)')
    expect(stderr)
      .to.include('plugin-bad')
      .and.to.include('half installed')
      .and.to.include('offers the source unheard-of')
    const {failures} = JSON.parse((await lorchestra(['jobs', 'list', '--json'], {cwd: folder})).stdout) as {
      failures: unknown
    }
    expect(failures).to.be.an('array').with.lengthOf(1).and.to.have.nested.property('[0].plugin', 'plugin-bad')
  })

  it('says what to do where there are no jobs', async () => {
    await writeFile(join(folder, 'lorchestra.yaml'), '')
    const {code, stdout} = await lorchestra(['jobs', 'list'], {cwd: folder})
    expect(code).to.equal(0)
    expect(stdout).to.equal('lorchestra.yaml has no jobs yet; add one under jobs:.\n')
  })

  it('is one document with --json', async () => {
    const {code, stdout, stderr} = await lorchestra(['jobs', 'list', '--json'], {cwd: folder})
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      jobs: [
        {
          job: 'a_job_with_quite_a_long_name_that_is_shown_whole',
          source: 'notes',
          account: 'acct1',
          source_system: 'notes--acct1',
          available: true,
        },
        {job: 'short', source: 'notes', account: null, source_system: 'notes', available: true},
      ],
      failures: [],
    })
  })

  it('reads the file that --config names', async () => {
    await writeFile(join(folder, 'other.yaml'), 'jobs: {elsewhere: {source: notes}}')
    const {stdout} = await lorchestra(['jobs', 'list', '--config', 'other.yaml'], {cwd: folder})
    expect(stdout).to.include('elsewhere')
  })

  it('ends with 2 and one line for each problem of the file', async () => {
    await writeFile(join(folder, 'lorchestra.yaml'), 'jbos: {}\njobs:\n  a: {}\n')
    const {code, stdout, stderr} = await lorchestra(['jobs', 'list'], {cwd: folder})
    expect(code).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.equal(`Error: lorchestra.yaml has 2 problems [E_CONFIG_INVALID]
  → lorchestra.yaml:1:1: unknown key "jbos". Did you mean "jobs"?
    lorchestra.yaml:3:3: jobs.a: a job needs an account, or a source that needs none
`)
  })

  it('ends with 2 and names lorchestra init where there is no file', async () => {
    const {code, stderr} = await lorchestra(['jobs', 'list'], {cwd: await temporaryFolder()})
    expect(code).to.equal(2)
    expect(stderr).to.include('lorchestra init')
  })
})
