import {readdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {homeOfTest, lorchestra, temporaryFolder} from '../support/cli.ts'
import {hookOf, installPlugin} from '../support/plugins.ts'

const FILE = `
warehouse: {type: duckdb, path: notes.duckdb, event_log: my_log}
accounts:
  acct1: {source: notes, token: "\${TOKEN}"}
  acct2: {source: notes, token: literal-secret}
jobs:
  mine: {account: acct1, query: a folder, start: 2024-01-01, overlap: 36h}
  late: {account: acct2, start: "\${START}", query: "\${QUERY}"}
`

const HOOK = hookOf('notes', {
  source: "secrets: ['token'], selection: ['query'], defaults: {slice: '30d', overlap: '1d'},",
})

describe('lorchestra jobs show', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook: HOOK})
    await writeFile(join(folder, 'lorchestra.yaml'), FILE)
  })

  it('shows all that decides what a run reads and writes, without a secret', async () => {
    const {code, stdout, stderr} = await lorchestra(['jobs', 'show', 'mine'], {
      cwd: folder,
      env: {TOKEN: 'very-secret'},
    })
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.equal(`job                     mine
config                  ${join(folder, 'lorchestra.yaml')}
source                  notes (Test records of notes)
account                 acct1
source_system           notes--acct1
start                   2024-01-01T00:00:00.000Z
overlap                 36h
slice                   30d (the source's default)
sweep                   never
settle                  0s
schema                  evolve
max_rejects             100
mask                    nothing is hidden
allow                   nothing
option token            ***
option query            a folder
streams                 note (by time)
selection               query=a folder
warehouse               duckdb
warehouse path          ${join(folder, 'notes.duckdb')}
warehouse lock_timeout  10m
warehouse undo          7d
production writes       my_log, raw_objects
--dry-run writes        nothing
--test-table writes     test_my_log, test_raw_objects
`)
    expect(await readdir(folder)).to.deep.equal(['lorchestra.yaml'])
  })

  it('lists missing variables, and what they are for, instead of failing', async () => {
    const {code, stdout} = await lorchestra(['jobs', 'show', 'late'], {cwd: folder})
    expect(code).to.equal(0)
    expect(stdout).to.include('missing variables       START, QUERY (not set or empty)\n')
    expect(stdout).to.include(`put them into ${join(folder, '.env')}.`)
    expect(stdout).to.include('start                   ${START}\n')
    expect(stdout).to.include('option query            ${QUERY}\n')
    expect(stdout).not.to.include('literal-secret')
  })

  it('finds variables in .env', async () => {
    await writeFile(join(folder, '.env'), 'TOKEN=from-the-file\n')
    const {stdout} = await lorchestra(['jobs', 'show', 'mine'], {cwd: folder})
    expect(stdout).not.to.include('missing').and.not.to.include('from-the-file')
  })

  it('shows the job for another account', async () => {
    const {stdout} = await lorchestra(['jobs', 'show', 'mine', '--account', 'acct2'], {cwd: folder})
    expect(stdout).to.include('source_system           notes--acct2\n')
  })

  it('is one document with --json', async () => {
    const {code, stdout} = await lorchestra(['jobs', 'show', 'mine', '--json'], {
      cwd: folder,
      env: {TOKEN: 'very-secret'},
    })
    expect(code).to.equal(0)
    expect(stdout).not.to.include('very-secret')
    const {schema, job} = JSON.parse(stdout) as {schema: number; job: Record<string, unknown>}
    expect(schema).to.equal(1)
    expect(job).to.deep.include({
      job: 'mine',
      options: {token: '***', query: 'a folder'},
      streams: [{object_type: 'note', windowed: true, misses: []}],
      selection: {query: 'a folder'},
      warehouse: {type: 'duckdb', path: join(folder, 'notes.duckdb'), lock_timeout: '10m', undo: '7d'},
      tables: {
        production: {event_log: 'my_log', raw_objects: 'raw_objects'},
        test_table: {event_log: 'test_my_log', raw_objects: 'test_raw_objects'},
      },
      missing_variables: [],
    })
  })

  it('ends with 2 and the closest name for a job that is not there', async () => {
    const {code, stdout, stderr} = await lorchestra(['jobs', 'show', 'mien'], {cwd: folder})
    expect(code).to.equal(2)
    expect(stdout).to.equal('')
    expect(stderr).to.equal(
      'Error: there is no job "mien" in lorchestra.yaml [E_JOB_UNKNOWN]\n  → Did you mean "mine"?\n',
    )
  })

  it('ends with 2 where no plugin offers the source', async () => {
    await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {contacts: {source: unheard-of}}')
    const {code, stderr} = await lorchestra(['jobs', 'show', 'contacts'], {cwd: folder})
    expect(code).to.equal(2)
    expect(stderr).to.include('"unheard-of"').and.to.include('lorchestra plugins install')
  })

  it('names the source that cannot say what it reads', async () => {
    const hook = hookOf('notes', {source: "streams() { throw new Error('no idea') },"})
    await installPlugin(await homeOfTest(), {name: 'plugin-notes', hook})
    const {code, stderr} = await lorchestra(['jobs', 'show', 'mine'], {cwd: folder, env: {TOKEN: 'very-secret'}})
    expect(code).to.equal(1)
    expect(stderr).to.include('the source notes could not say what the job reads: no idea')
  })
})
