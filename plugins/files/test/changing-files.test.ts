import {appendFile, copyFile, rename, rm, truncate, utimes, writeFile} from 'node:fs/promises'
import {join} from 'node:path'
import {gzipSync, zstdCompressSync} from 'node:zlib'

import {expect} from 'chai'

import {folderForEachTest} from '../../../test/support/folder.ts'
import {readFiles, rest, writeFiles, type Read} from './folder-of-files.ts'

const OPTIONS = {path: 'in/*', key: 'id'}
const CSV = 'id,name\n1,one\n2,two\n'

describe('files that change between two runs', () => {
  const folder = folderForEachTest()
  const at = (name: string): string => join(folder(), name)

  /** Reads twice, with a change in between. */
  async function afterwards(change: () => Promise<unknown>, options: object = OPTIONS): Promise<Read> {
    const {bookmark} = await readFiles(folder(), options)
    await change()
    return readFiles(folder(), options, {...(bookmark !== undefined && {bookmark})})
  }

  beforeEach(async () => writeFiles(folder(), {'in/a.csv': CSV, 'in/b.csv': 'id,name\n3,three\n'}))

  it('are not read again where nothing changed', async () => {
    const first = await readFiles(folder(), OPTIONS)
    expect(first.keys).to.deep.equal(['1', '2', '3'])
    const second = await afterwards(async () => Promise.resolve())
    expect([second.records, second.rejected, second.warnings]).to.deep.equal([[], [], []])
    expect(second.bookmark).to.deep.equal(first.bookmark)
  })

  it('are read on where they grew', async () => {
    const {keys} = await afterwards(async () => {
      await appendFile(at('in/a.csv'), '4,four\n5,"fi\nve"\n')
      await rest(at('in/a.csv'))
    })
    expect(keys).to.deep.equal(['4', '5'])
  })

  it('name the right line where they grew', async () => {
    const {rejected} = await afterwards(async () => {
      await appendFile(at('in/a.csv'), '4,four\n5\n')
      await rest(at('in/a.csv'))
    })
    expect(rejected).to.deep.equal(['in/a.csv:5 it has 1 fields, and there are 2 columns'])
  })

  it('are read anew where they were replaced by longer ones', async () => {
    const {records} = await afterwards(async () => writeFiles(folder(), {'in/a.csv': 'id,name\n1,uno\n2,due\n6,sei\n'}))
    expect(records.map(({name}) => name)).to.deep.equal(['uno', 'due', 'sei'])
  })

  it('are read anew where one value was replaced by one as long', async () => {
    const {records} = await afterwards(async () => writeFiles(folder(), {'in/a.csv': CSV.replace('two', 'TWO')}))
    expect(records.map(({name}) => name)).to.deep.equal(['one', 'TWO'])
  })

  it('are read anew where one value was replaced by one as long so soon that the time of the file is the same', async () => {
    // Ahead of us, so that the time is too new however slow this is.
    const now = new Date(Date.now() + 60_000)
    await utimes(at('in/a.csv'), now, now)
    const {records} = await afterwards(async () => {
      await writeFile(at('in/a.csv'), CSV.replace('two', 'TWO'))
      await utimes(at('in/a.csv'), now, now)
    })
    expect(records.map(({name}) => name)).to.deep.equal(['one', 'TWO'])
  })

  it('are read anew where they were cut', async () => {
    const {keys} = await afterwards(async () => {
      await truncate(at('in/a.csv'), 'id,name\n1,one\n'.length)
      await rest(at('in/a.csv'))
    })
    expect(keys).to.deep.equal(['1'])
  })

  it('hold nothing new where they were renamed, copied or touched', async () => {
    const {records, warnings} = await afterwards(async () => {
      await rename(at('in/a.csv'), at('in/z.csv'))
      await copyFile(at('in/b.csv'), at('in/copy.csv'))
      await rest(at('in/b.csv'))
    })
    expect([records, warnings]).to.deep.equal([[], []])
  })

  it('are told where they are gone, once', async () => {
    const second = await afterwards(async () => rm(at('in/a.csv')))
    expect(second.records).to.deep.equal([])
    expect(second.warnings).to.deep.equal(['in/a.csv of record is not there any more; what was read of it stays'])
    const third = await readFiles(folder(), OPTIONS, {
      ...(second.bookmark !== undefined && {bookmark: second.bookmark}),
    })
    expect(third.warnings).to.deep.equal([])
  })

  it('are read on where they grew while packed', async () => {
    for (const pack of [gzipSync, zstdCompressSync]) {
      await writeFiles(folder(), {'packed/a.csv.gz': pack(CSV)})
      const options = {path: 'packed/*', key: 'id'}
      const change = async () =>
        writeFiles(folder(), {'packed/a.csv.gz': Buffer.concat([pack(CSV), pack('7,seven\n')])})
      expect((await afterwards(change, options)).keys).to.deep.equal(['7'])
    }
  })

  it('keep a last line for later that is still being written', async () => {
    await writeFile(at('in/a.csv'), `${CSV}12,twel`)
    const first = await readFiles(folder(), OPTIONS)
    expect(first.keys).to.deep.equal(['1', '2', '3'])
    expect(first.warnings).to.deep.equal([
      'in/a.csv:4: the end of the file is still being written, and is left for the next run',
    ])
    await appendFile(at('in/a.csv'), 've\n')
    const second = await readFiles(folder(), OPTIONS, {...(first.bookmark !== undefined && {bookmark: first.bookmark})})
    expect(second.records).to.deep.equal([{id: '12', name: 'twelve'}])
  })

  it('give a last line without an end once nobody writes them any more, also if they did not change', async () => {
    await writeFile(at('in/a.csv'), `${CSV}12,twelve`)
    const first = await readFiles(folder(), OPTIONS)
    await rest(at('in/a.csv'))
    const second = await readFiles(folder(), OPTIONS, {...(first.bookmark !== undefined && {bookmark: first.bookmark})})
    expect(second.keys).to.deep.equal(['12'])
    const third = await readFiles(folder(), OPTIONS, {
      ...(second.bookmark !== undefined && {bookmark: second.bookmark}),
    })
    expect(third.keys).to.deep.equal([])
  })

  it('lose nothing where a reading breaks off at any page, and goes on from its last checkpoint', async () => {
    const rows = Array.from({length: 12_000}, (_none, index) => `${index},${'x'.repeat(100)}\n`).join('')
    for (const pack of [Buffer.from, gzipSync]) {
      await writeFiles(folder(), {'large/a.csv': pack(`id,text\n${rows}`), 'large/b.csv': 'id,text\nb,last\n'})
      const options = {path: 'large/*', key: 'id'}
      const {pages} = await readFiles(folder(), options)
      expect(pages.filter(({checkpoint}) => checkpoint).length).to.be.at.least(2)
      for (let most = 1; most < pages.length; most += 1) {
        const broken = await readFiles(folder(), options, {pages: most})
        const kept = broken.pages.findLastIndex(({checkpoint}) => checkpoint)
        const before = broken.pages.slice(0, kept + 1).flatMap(({records}) => records.map(({id}) => id))
        const {keys} = await readFiles(folder(), options, {
          ...(broken.bookmark !== undefined && {bookmark: broken.bookmark}),
        })
        expect([...before, ...keys].length).to.equal(12_001)
        expect(new Set([...before, ...keys]).size).to.equal(12_001)
      }
    }
  })
})
