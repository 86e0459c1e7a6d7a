import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'
import {gzipSync} from 'node:zlib'

import {expect} from 'chai'

import {folderForEachTest} from '../../../test/support/folder.ts'
import {readFiles, writeFiles, type Read} from './folder-of-files.ts'

describe('files that nobody would wish for', () => {
  const folder = folderForEachTest()

  async function reading(name: string, content: string | Uint8Array, options: object = {}): Promise<Read> {
    await writeFiles(folder(), {[`in/${name}`]: content})
    return readFiles(folder(), {path: 'in/*', key: 'id', ...options})
  }

  const CLEAN = [
    {id: '1', name: 'Ünal'},
    {id: '2', name: 'two'},
  ]

  for (const [title, content, options] of [
    ['CRLF', 'id,name\r\n1,Ünal\r\n2,two\r\n', {}],
    ['a byte order mark', '\uFEFFid,name\n1,Ünal\n2,two\n', {}],
    ['blank lines', '\nid,name\n\n1,Ünal\n\n2,two\n\n', {}],
    ['no last line feed', 'id,name\n1,Ünal\n2,two', {}],
    ['UTF-16 with its mark', Buffer.from('\uFEFFid,name\n1,Ünal\n2,two\n', 'utf16le'), {}],
    ['windows-1252', Buffer.from('id,name\n1,Ünal\n2,two\n', 'latin1'), {encoding: 'windows-1252'}],
    ['another delimiter', 'id;name\n1;Ünal\n2;two\n', {delimiter: ';'}],
    ['lines before the header', 'Report\n\nid,name\n1,Ünal\n2,two\n', {skip_lines: 2}],
    ['no header', '1,Ünal\n2,two\n', {header: false, columns: ['id', 'name']}],
    ['a header to be replaced', 'id,id\n1,Ünal\n2,two\n', {columns: ['id', 'name']}],
    ['gzip by any name', gzipSync('id,name\n1,Ünal\n2,two\n'), {}],
  ] as const) {
    it(`are read right with ${title}`, async () => {
      const {records, rejected} = await reading('a.csv', content, options)
      expect(records).to.deep.equal(CLEAN)
      expect(rejected).to.deep.equal([])
    })
  }

  it('reject ragged rows, wrong bytes and open quotes by file and line, and nothing else', async () => {
    const content = Buffer.concat([
      Buffer.from('id,name\n1,one\n2\n3,x,y\n'),
      Buffer.from('4,caf\u00e9\n', 'latin1'),
      Buffer.from('5,"five\nlines"\n6,"x"y\n,nobody\n7,seven\n8,"never closed\n9,nine\n'),
    ])
    const {keys, rejected} = await reading('a.csv', content)
    expect(keys).to.deep.equal(['1', '5', '7', '9'])
    expect(rejected).to.deep.equal([
      'in/a.csv:3 it has 1 fields, and there are 2 columns',
      'in/a.csv:4 it has 3 fields, and there are 2 columns',
      'in/a.csv:5 it is no UTF-8; where the file is of another encoding, say so with encoding',
      'in/a.csv:8 a quoted field in it goes on behind its closing quote',
      'in/a.csv:9 id, of its key, is empty',
      'in/a.csv:11 a quote in it is never closed',
    ])
  })

  it('reject as a whole what nothing can be told from, and leave the others alone', async () => {
    await writeFiles(folder(), {
      'in/double.csv': 'id,name,name\n1,a,b\n',
      'in/empty.csv': '',
      'in/good.csv': 'id,name\ngood,x\n',
      'in/header-alone.csv': 'id,name\n',
      'in/mac.csv': 'id,name\r1,one\r',
      'in/other.csv': 'number;name\n1;one\n',
      'in/torn.csv.gz': gzipSync('id,name\ntorn,x\n').subarray(0, 20),
    })
    const {keys, rejected, bookmark} = await readFiles(folder(), {path: 'in/*', key: 'id'})
    expect(keys).to.deep.equal(['good'])
    expect(rejected).to.deep.equal([
      'in/double.csv:1 column 3 has the name of another one; name them all yourself with columns',
      'in/mac.csv:1 its lines end with a carriage return alone; end them with a line feed',
      'in/other.csv:1 there is no column id, which the options name, among its 1 column; is delimiter right?',
      'in/torn.csv.gz:1 the packed data break off here, or are damaged',
    ])
    const again = await readFiles(folder(), {path: 'in/*', key: 'id'}, {...(bookmark !== undefined && {bookmark})})
    expect([again.keys, again.rejected]).to.deep.equal([[], rejected])
  })

  it('keep names that mean something to JavaScript', async () => {
    const {records} = await reading('a.csv', 'id,__proto__,constructor\n1,x,y\n')
    expect(JSON.stringify(records)).to.equal('[{"id":"1","__proto__":"x","constructor":"y"}]')
  })

  it('give numbers with all their digits, where types says that they are some', async () => {
    const types = {amount: 'number', paid: 'boolean', tags: 'json'}
    const {records, rejected} = await reading(
      'a.csv',
      'id,amount,paid,tags\n007,12345678901234567890.50,true,"[1]"\n2,,0,\n3,1.000,maybe,\n4,0x1,1,\n5,1,1,{\n',
      {types},
    )
    expect(JSON.stringify(records)).to.equal(
      '[{"id":"007","amount":12345678901234567890.50,"paid":true,"tags":[1]},{"id":"2","amount":null,"paid":false,"tags":null}]',
    )
    expect(rejected).to.deep.equal([
      'in/a.csv:4 its paid is no boolean',
      'in/a.csv:5 its amount is no number',
      'in/a.csv:6 its tags is no json',
    ])
  })

  it('give JSON lines digit by digit, and say which are none', async () => {
    const text = '{"id":12345678901234567890}\n\n[1]\n{"id": "secret\r\n{"id":"2","a":1.5}\r\n{"id":'
    const {records, keys, rejected} = await reading('a.jsonl', text)
    expect(JSON.stringify(records)).to.equal('[{"id":12345678901234567890},{"id":"2","a":1.5}]')
    expect(keys).to.deep.equal(['12345678901234567890', '2'])
    expect(rejected).to.deep.equal([
      'in/a.jsonl:3 it is JSON, but no object',
      'in/a.jsonl:4 it is no JSON',
      'in/a.jsonl:6 it is no JSON; it is the last line, and may be torn',
    ])
  })

  it('give the objects of a JSON list, however it is laid out, and say where it breaks off', async () => {
    const whole = await reading('a.json', '\uFEFF[\n  {"id": 1.10, "a": "]}\\""},\n  {"id": "2", "b": [{}]}\n]\n')
    expect(whole.records).to.deep.equal([
      {id: 1.1, a: ']}"'},
      {id: '2', b: [{}]},
    ])
    expect((await reading('a.json', '{"id":1}\n{\n"id":2}{"id":3}')).keys).to.deep.equal(['1', '2', '3'])
    expect((await reading('a.json', '[]')).rejected).to.deep.equal([])
    const odd = await reading('a.json', '[{"id":1},\n{"id":2,},\n7]')
    expect([odd.keys, odd.rejected]).to.deep.equal([
      ['1'],
      ['in/a.json:2 it is no JSON', 'in/a.json:3 it is no list of objects'],
    ])
    const torn = await reading('a.json', '[{"id":1},\n{"id":2')
    expect([torn.keys, torn.rejected]).to.deep.equal([
      ['1'],
      ['in/a.json:2 the list breaks off here; the file may be torn'],
    ])
  })

  it('key by content whatever the order of members, and by several columns without mixing them up', async () => {
    const content = await reading('a.jsonl', '{"a":1,"b":{"c":2,"d":3}}\n{"b":{"d":3,"c":2},"a":1}\n{"a":1}\n', {
      key: 'content',
    })
    expect(new Set(content.keys).size).to.equal(2)
    const columns = await reading('a.jsonl', '{"a":"x|y","b":"z"}\n{"a":"x","b":"y|z"}\n', {key: ['a', 'b']})
    expect(new Set(columns.keys).size).to.equal(2)
  })

  it('are not looked for where folders cannot be seen, or no format is told', async () => {
    const messageOf = async (options: object): Promise<string> =>
      readFiles(folder(), {key: 'id', ...options}).then(
        () => 'nothing',
        (error: unknown) => (error as Error).message,
      )
    await mkdir(join(folder(), 'in'))
    expect(await messageOf({path: 'nowhere/*.csv'})).to.match(
      /^the folder nowhere, in which path: looks, is not there, or may not be read \(ENOENT\)/,
    )
    expect(await messageOf({path: 'nowhere.csv'})).to.match(/^nowhere\.csv is not there/)
    expect(await messageOf({path: 'in'})).to.equal("in is no file; a folder's files are in/*")
    await writeFiles(folder(), {'in/a.dat': 'x'})
    expect(await messageOf({path: 'in/*'})).to.equal('in/a.dat: its name does not tell what it holds; set format')
  })
})
