import {expect} from 'chai'

import {folderForEachTest} from '../../../test/support/folder.ts'
import {messageOf} from '../../../test/support/message-of.ts'
import {readFiles, writeFiles, type Read} from './folder-of-files.ts'

/** What other tools' readers of files lost, shifted or broke over, by their public reports. */
describe('files that other readers got wrong', () => {
  const folder = folderForEachTest()

  async function reading(name: string, content: string | Uint8Array, options: object = {}): Promise<Read> {
    await writeFiles(folder(), {[`in/${name}`]: content})
    return readFiles(folder(), {path: 'in/*', key: 'id', ...options})
  }

  // https://github.com/thephpleague/csv/issues/586, https://github.com/johnkerl/miller/issues/161
  it('begin with a byte order mark and a quoted name with a comma and a line feed in it', async () => {
    const {records, rejected} = await reading('a.csv', '\uFEFF"id","a,\nb"\n"1","x"\n')
    expect([records, rejected]).to.deep.equal([[{id: '1', 'a,\nb': 'x'}], []])
  })

  // https://github.com/OpenRefine/OpenRefine/issues/653
  it('have NUL before a closing quote, which escapes nothing', async () => {
    const {records, rejected} = await reading('a.csv', 'id,name\n1,"a\0"\n2,b\n')
    expect([records, rejected]).to.deep.equal([
      [
        {id: '1', name: 'a\0'},
        {id: '2', name: 'b'},
      ],
      [],
    ])
  })

  it('end their lines in both ways', async () => {
    const {keys, rejected} = await reading('a.csv', 'id,name\r\n1,a\n2,b\r\n"3","c"\r\n4,"d"\n')
    expect([keys, rejected]).to.deep.equal([['1', '2', '3', '4'], []])
  })

  it('have their columns in another order than the file before', async () => {
    await writeFiles(folder(), {'in/a.csv': 'id,name\n1,a\n', 'in/b.csv': 'name,id\nb,2\n'})
    expect((await readFiles(folder(), {path: 'in/*', key: 'id'})).records).to.deep.equal([
      {id: '1', name: 'a'},
      {id: '2', name: 'b'},
    ])
  })

  it('have a delimiter at the end of each line, with or without a column for it', async () => {
    expect((await reading('a.csv', 'id,name,\n1,a,\n')).records).to.deep.equal([{id: '1', name: 'a', '': ''}])
    const {keys, rejected} = await reading('a.csv', 'id,name\n1,a,\n')
    expect([keys, rejected]).to.deep.equal([[], ['in/a.csv:2 it has 3 fields, and there are 2 columns']])
  })

  it('escape quotes with a backslash, and are not misread in silence', async () => {
    const {keys, rejected} = await reading('a.csv', 'id,name\n1,"say \\"hi\\" now"\n2,b\n')
    expect(keys).to.deep.equal(['2'])
    expect(rejected).to.deep.equal(['in/a.csv:2 a quoted field in it goes on behind its closing quote'])
  })

  it('say their delimiter in a first line, as Excel likes it', async () => {
    const content = 'sep=;\nid;name\n1;a\n'
    expect((await reading('a.csv', content)).rejected.join()).to.contain('there is no column id')
    const {records} = await reading('a.csv', content, {skip_lines: 1, delimiter: ';'})
    expect(records).to.deep.equal([{id: '1', name: 'a'}])
  })

  it('end with the end-of-file character of DOS', async () => {
    const {keys, rejected} = await reading('a.csv', 'id,name\r\n1,a\r\n\u001A')
    expect([keys, rejected.length]).to.deep.equal([['1'], 1])
  })

  it('are UTF-16 without a mark that says so', async () => {
    expect((await reading('a.csv', Buffer.from('id,name\n1,a\n', 'utf16le'))).rejected.join()).to.contain(
      'there is no column id',
    )
  })

  it('have a space in front of a name', async () => {
    expect((await reading('a.csv', ' id,name\n1,a\n')).rejected.join()).to.contain('there is no column id')
  })

  it('hold NaN, a lone surrogate, a duplicate member or nothing where JSON must be', async () => {
    const lines = ['\uFEFF{"id":1}', '', '{"id":NaN}', '{"id":2,"id":3}', '{"id":4', '[5]', '{"id":6}']
    const {keys, rejected} = await reading('a.jsonl', `${lines.join('\n')}\n`)
    expect(keys).to.deep.equal(['1', '3', '6'])
    expect(rejected.map((one) => one.split(' ')[0])).to.deep.equal(['in/a.jsonl:3', 'in/a.jsonl:5', 'in/a.jsonl:6'])
  })

  it('have numbers with zeros in front, which stay what they are', async () => {
    const {records} = await reading('a.csv', 'id,zip,amount\n1,01067,1e400\n')
    expect(records).to.deep.equal([{id: '1', zip: '01067', amount: '1e400'}])
    const typed = await reading('a.csv', 'id,zip\n1,01067\n', {types: {zip: 'number'}})
    expect(typed.rejected).to.deep.equal(['in/a.csv:2 its zip is no number'])
  })

  for (const ending of ['xlsx', 'xls', 'ods'])
    it(`are workbooks: .${ending} is refused with what to do instead`, async () => {
      await writeFiles(folder(), {[`in/a.${ending}`]: 'PK'})
      const problem = await messageOf(readFiles(folder(), {path: 'in/*', key: 'id'}))
      expect(problem).to.contain(`in/a.${ending}`).and.to.contain('save the sheet as CSV')
    })
})
