import {mkdir, readFile, writeFile} from 'node:fs/promises'
import {join, resolve} from 'node:path'

import {expect} from 'chai'

import {ownPackageSpec} from '../../src/sources/source-template.ts'
import {folderForEachTest} from '../support/folder.ts'

const root = resolve(import.meta.dirname, '../..')

const contentOf = async (path: string): Promise<Record<string, Record<string, string>>> =>
  JSON.parse(await readFile(path, 'utf8')) as Record<string, Record<string, string>>

describe('the template of a source', () => {
  const folder = folderForEachTest()

  it('leaves its author at most 40 lines to write for a paged JSON API', async () => {
    const source = join(root, 'templates', 'source', 'src')
    const texts = await Promise.all(
      ['source.ts', 'idem-key.ts'].map(async (name) => readFile(join(source, name), 'utf8')),
    )
    const lines = texts
      .join('\n')
      .split('\n')
      .filter((line) => line.trim() !== '')
    expect(lines.length).to.be.at.most(40)
  })

  it('takes other packages in the versions that are tested here', async () => {
    const own = await contentOf(join(root, 'package.json'))
    const template = await contentOf(join(root, 'templates', 'source', 'package.json'))
    const {lorchestra: _itself, ...others} = {...template['dependencies'], ...template['devDependencies']}
    for (const [name, version] of Object.entries(others)) {
      expect({...own['dependencies'], ...own['devDependencies']}[name], name).to.equal(version)
    }
  })

  it('takes lorchestra from a registry only where this one came from one', async () => {
    const copy = join(folder(), 'node_modules', 'lorchestra')
    await mkdir(copy, {recursive: true})
    expect(await ownPackageSpec(copy, '1.2.3')).to.equal(`file:${copy}`)
    for (const [resolved, expected] of [
      ['https://registry.example.com/lorchestra/-/lorchestra-1.2.3.tgz', '^1.2.3'],
      ['file:../lorchestra-1.2.3.tgz', `file:${copy}`],
    ] as const) {
      const note = {packages: {'node_modules/lorchestra': {version: '1.2.3', resolved}}}
      await writeFile(join(folder(), 'node_modules', '.package-lock.json'), JSON.stringify(note))
      expect(await ownPackageSpec(copy, '1.2.3')).to.equal(expected)
    }
  })
})
