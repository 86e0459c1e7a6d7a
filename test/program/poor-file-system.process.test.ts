import {execFile} from 'node:child_process'
import {chmod, mkdir, readdir, readlink, stat, symlink} from 'node:fs/promises'
import {join} from 'node:path'
import {promisify} from 'node:util'

import {expect} from 'chai'

import {query} from '../support/database.ts'
import {createProject, homeWith, type Project} from '../support/external-source.ts'

const POOR = new URL('../support/poor-file-system.ts', import.meta.url).href
const STORE = new URL('../../src/sources/secrets/secret-store.ts', import.meta.url).href
const run = promisify(execFile)
const KEEPS_A_SECRET = `export default {
  apiVersion: 1, name: 'keeper', summary: 'keeps a secret',
  options: {'~standard': {version: 1, vendor: 'test', validate: (value) => ({value})}},
  streams: () => [{objectType: 'entry', windowed: false}],
  idemKey: (record, {objectType, sourceSystem}) => objectType + ':' + sourceSystem + ':' + record.id,
  async *extract({secrets}) {
    await secrets.update('token', () => 'kept')
    yield {records: [{id: 'a'}]}
  },
}`
const YAML = `
accounts:
  mine:
    source: keeper
jobs:
  entries:
    account: mine
`

describe('a file system without links, modes and sync of folders', () => {
  let home: string
  let project: Project
  before(async () => {
    home = await homeWith({name: 'keeper', files: {'source.js': KEEPS_A_SECRET}})
  })
  beforeEach(async () => {
    project = await createProject({home, yaml: YAML})
  })

  for (const code of ['ENOTSUP', 'EPERM', 'EINVAL']) {
    it(`that says ${code} takes the database and the secrets all the same`, async () => {
      const env = {NODE_OPTIONS: `--import ${POOR}`, REFUSED_MODES: code}
      const {stderr, code: exit} = await project.run(['run', 'entries'], env)
      expect(exit, stderr).to.equal(0)
      expect(await query(project.database, 'SELECT external_id FROM raw_objects')).to.have.length(1)
      expect((await stat(project.database)).mode & 0o777).to.be.oneOf([0o600, 0o644])
    })
  }

  it('that shows secrets to others is refused by the name of the folder, with the way out', async () => {
    const folder = join(project.folder, 'secrets')
    await mkdir(folder)
    await chmod(folder, 0o755) // whatever the umask is
    const script = `
      const {createSecretStore} = await import(${JSON.stringify(STORE)})
      const mask = {add() {}, apply: (text) => text}
      const store = createSecretStore({folder: ${JSON.stringify(folder)}, account: 'mine', mask})
      await store.update('token', () => 'kept').catch((error) => console.log(error.message, error.next))`
    const {stdout} = await run(process.execPath, ['--import', POOR, '--input-type=module', '-e', script])
    expect(stdout).to.contain(`others can read ${folder}`).and.to.contain('Set XDG_DATA_HOME')
    expect(await readdir(folder)).to.deep.equal([])
  })
})

describe('a link as `warehouse.path`', () => {
  it('means the file that it points to, also where that is not there yet', async () => {
    const home = await homeWith({name: 'keeper', files: {'source.js': KEEPS_A_SECRET}})
    const project = await createProject({home, yaml: YAML})
    const elsewhere = join(project.folder, 'elsewhere')
    await mkdir(elsewhere)
    await symlink(join('elsewhere', 'real.duckdb'), project.database)
    const {stderr, code} = await project.run(['run', 'entries'])
    expect(code, stderr).to.equal(0)
    expect(await readlink(project.database)).to.equal(join('elsewhere', 'real.duckdb'))
    expect((await stat(join(elsewhere, 'real.duckdb'))).mode & 0o777).to.equal(0o600)
    expect(await readdir(elsewhere)).to.deep.equal(['real.duckdb'])
  })
})
