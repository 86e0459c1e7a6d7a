import {mkdir, symlink, writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {pathsIn} from '../../src/sources/box/grants.ts'
import {folderForEachTest} from '../support/folder.ts'

describe('what the options of a job open to its source', () => {
  const around = folderForEachTest()
  const project = (): string => join(around(), 'project')
  const opened = (option: unknown): readonly string[] => pathsIn({option}, project())

  beforeEach(async () => {
    for (const name of ['project/incoming/deep', 'elsewhere']) await mkdir(join(around(), name), {recursive: true})
    await writeFile(join(project(), 'incoming', 'a[1].csv'), '')
    await writeFile(join(project(), '.env'), 'SECRET=1')
  })

  it('is a file that they name, and the folder that a pattern begins in', () => {
    const incoming = join(project(), 'incoming')
    expect(opened('incoming/*.csv')).to.deep.equal([incoming])
    expect(opened('./incoming/deep/**/?.{csv,tsv}')).to.deep.equal([join(incoming, 'deep')])
    expect(opened({sale: 'incoming/[ab].csv', visit: ['../elsewhere/*']})).to.deep.equal([
      incoming,
      join(around(), 'elsewhere'),
    ])
    expect(opened('incoming/a[1].csv')).to.deep.equal([join(incoming, 'a[1].csv'), incoming])
  })

  it('is never the folder of lorchestra.yaml or one around it, however a pattern spells it', async () => {
    await symlink(project(), join(project(), 'incoming', 'back'))
    for (const pattern of [
      '*',
      '*.csv',
      './*.csv',
      '../*',
      '/*',
      '/**/*.csv',
      '../project/*',
      '*/../.env',
      'incoming/../*',
      'incoming/back/*',
    ])
      expect(opened(pattern), pattern).to.deep.equal([])
    expect(opened(join(project(), '*'))).to.deep.equal([])
  })

  it('is nothing where the folder is not there, or a text only looks like a pattern', () => {
    for (const text of ['nowhere/*.csv', 'from:(*) is:[unread]', 'https://example.com/?q=*', 'a\0/*', '[]', '{}'])
      expect(opened(text), text).to.deep.equal([])
  })
})
