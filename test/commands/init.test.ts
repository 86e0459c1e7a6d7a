import {lstat, readdir, readFile, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {STARTER_FILES} from '../../src/starter-files.ts'
import {lorchestra, temporaryFolder} from '../support/cli.ts'

describe('lorchestra init', () => {
  let folder: string
  beforeEach(async () => {
    folder = await temporaryFolder()
  })

  it('writes a lorchestra.yaml and .env.example that can be used as they are', async () => {
    const {code, stdout, stderr} = await lorchestra(['init'], {cwd: folder})
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    expect(stdout).to.include(join(folder, 'lorchestra.yaml')).and.to.include(join(folder, '.env.example'))
    for (const [name, text] of Object.entries(STARTER_FILES)) {
      expect(await readFile(join(folder, name), 'utf8')).to.equal(text)
    }
    expect((await lorchestra(['jobs', 'list'], {cwd: folder})).code).to.equal(0)
  })

  it('writes to another folder, and makes it where it is missing', async () => {
    const {code} = await lorchestra(['init', '--directory', 'new/ingestion'], {cwd: folder})
    expect(code).to.equal(0)
    expect((await readdir(join(folder, 'new', 'ingestion'))).toSorted()).to.deep.equal([
      '.env.example',
      'lorchestra.yaml',
    ])
    expect(await readdir(folder)).to.deep.equal(['new'])
  })

  for (const name of Object.keys(STARTER_FILES)) {
    it(`writes nothing at all where ${name} is there already`, async () => {
      await writeFile(join(folder, name), 'mine')
      const {code, stdout, stderr} = await lorchestra(['init'], {cwd: folder})
      expect(code).to.equal(2)
      expect(stdout).to.equal('')
      expect(stderr)
        .to.include(`${join(folder, name)} is there already; nothing was written`)
        .and.to.include('\n  → ')
      expect(await readdir(folder)).to.deep.equal([name])
      expect(await readFile(join(folder, name), 'utf8')).to.equal('mine')
    })
  }

  it('does not write through a link to a file that is not there yet', async () => {
    await symlink(join(folder, 'elsewhere'), join(folder, '.env.example'))
    const {code} = await lorchestra(['init'], {cwd: folder})
    expect(code).to.equal(2)
    expect((await lstat(join(folder, '.env.example'))).isSymbolicLink()).to.equal(true)
    expect(await readdir(folder)).to.deep.equal(['.env.example'])
  })

  it('says why where the folder cannot be made', async () => {
    await writeFile(join(folder, 'file'), '')
    const {code, stderr} = await lorchestra(['init', '--directory', 'file/inside'], {cwd: folder})
    expect(code).to.equal(1)
    expect(stderr).to.include('nothing was written').and.to.include('--directory')
  })

  it('answers in one document with --json', async () => {
    const {code, stdout} = await lorchestra(['init', '--json'], {cwd: folder})
    expect(code).to.equal(0)
    expect(JSON.parse(stdout)).to.deep.equal({
      schema: 1,
      written: [join(folder, 'lorchestra.yaml'), join(folder, '.env.example')],
    })
    const again = await lorchestra(['init', '--json'], {cwd: folder})
    expect(again.code).to.equal(2)
    expect(JSON.parse(again.stdout)).to.have.property('error').that.includes({outcome: 'usage'})
  })
})
