import {spawnSync} from 'node:child_process'
import {chmod, mkdir, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {temporaryFolder} from '../support/cli.ts'
import {PROGRAM} from '../support/program.ts'

const isRoot = process.getuid?.() === 0

/** Runs the command as a user that the machine does not know, where the tests may, and with this environment alone. */
function asStranger(args: readonly string[], cwd: string, env: Readonly<Record<string, string>>) {
  const path = process.env['PATH'] ?? ''
  const options = {cwd, encoding: 'utf8', env: {PATH: path, ...env}, ...(isRoot && {uid: 12_345, gid: 12_345})} as const
  const {status, stdout, stderr} = spawnSync(process.execPath, [PROGRAM, ...args], options)
  return {status, stdout, stderr}
}

describe('a machine that does not know its user', () => {
  let folder = ''
  beforeEach(async () => {
    folder = await temporaryFolder()
    await chmod(folder, 0o777)
    await writeFile(join(folder, 'lorchestra.yaml'), 'jobs: {}\n')
  })

  for (const [what, env] of [
    ['no home', {}],
    ['an empty one', {HOME: ''}],
    ['/', {HOME: '/'}],
    ['one that is not there', {HOME: '/nowhere'}],
  ] as const)
    it(`runs what needs no place of its own: ${what}`, () => {
      const version = asStranger(['--version'], folder, env)
      expect(version.stderr).to.equal('')
      expect(version.stdout).to.match(/^lorchestra\/[\d.]+ /)
      expect(asStranger(['jobs', 'list'], folder, env)).to.include({status: 0, stderr: ''})
    })

  it('says which variable names a place for what needs one', function () {
    // Others have a home that the system knows.
    if (!isRoot) return
    const {stdout} = asStranger(['doctor'], folder, {})
    expect(stdout).to.match(/^failed +disk .*\n.*Set HOME or XDG_CACHE_HOME/m)
  })

  it('says which folder it may not write, and what to do, before anything is read', async () => {
    const env = {XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data')}
    await mkdir(join(folder, 'mine'))
    await writeFile(join(folder, 'mine', 'lorchestra.yaml'), '')
    await chmod(join(folder, 'mine'), 0o555)
    const {status, stderr} = asStranger(['warehouse', 'create'], join(folder, 'mine'), env)
    await chmod(join(folder, 'mine'), 0o755)
    expect(status).to.equal(1)
    expect(stderr)
      .to.contain(`${join(folder, 'mine')} cannot be written`)
      .and.to.contain('[E_PERMISSION_DENIED]')
    expect(stderr).to.contain('→ Give this user the right to write it, or set warehouse.path.')
  })

  it('needs nothing but the folders that it is told', () => {
    const env = {XDG_CACHE_HOME: join(folder, 'cache'), XDG_DATA_HOME: join(folder, 'data')}
    expect(asStranger(['doctor'], folder, env).stdout).to.match(/^(ok|warning) +disk /m)
  })
})
