import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {LorchestraError} from '../../src/base/errors.ts'
import {parseDotEnv, withDotEnv} from '../../src/config/dot-env.ts'
import {folderForEachTest} from '../support/folder.ts'

const folder = folderForEachTest()

describe('a .env', () => {
  for (const [line, value] of [
    ['TOKEN=abc#rest', 'abc#rest'],
    ['TOKEN=abc#rest # a comment', 'abc#rest'],
    ['TOKEN=abc #rest', 'abc'],
    ['TOKEN=#abc', '#abc'],
    ['TOKEN=# fill it in', ''],
    ['TOKEN=', ''],
    ['TOKEN="abc#rest"', 'abc#rest'],
    ["TOKEN='abc #rest' # a comment", 'abc #rest'],
    ['TOKEN=a=b==', 'a=b=='],
    ['export TOKEN = abc ', 'abc'],
    ['TOKEN="first\\nsecond"', 'first\nsecond'],
    ['TOKEN="first#1\nsecond"', 'first#1\nsecond'],
    ['TOKEN=\'"quoted" and more\'', '"quoted" and more'],
    ['TOKEN=it"s', 'it"s'],
    ['TOKEN=abc\r', 'abc'],
  ] as const) {
    it(`says by ${JSON.stringify(line)} that the value is ${JSON.stringify(value)}`, () => {
      expect(parseDotEnv(`${line}\nNEXT=1\n`, '.env')).to.deep.equal({TOKEN: value, NEXT: '1'})
    })
  }

  const refusalOf = async (content: string | Uint8Array): Promise<LorchestraError> => {
    await writeFile(join(folder(), '.env'), content)
    const error = await withDotEnv(folder(), {}).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    if (!(error instanceof LorchestraError)) throw new Error('nothing was refused')
    expect(error.outcome).to.equal('usage')
    return error
  }

  for (const [what, content, advice] of [
    ['quotes of printed text', '# mine\nTOKEN=“hush”\n', 'TOKEN="…"'],
    ['a quote without an end', 'A=1\nTOKEN="hush\n', 'End it with the same quote'],
    ['a comment that begins at a quote', 'A=1\nTOKEN="hush"#mine\n', 'with a space before a #'],
  ] as const) {
    it(`is refused for ${what}, by line and name, without the value`, async () => {
      const {message, next} = await refusalOf(content)
      expect(message)
        .to.match(/\.env:2:1: the value of TOKEN /)
        .and.not.to.contain('hush')
      expect(next).to.contain(advice)
    })
  }

  for (const [what, content] of [
    ['with a byte order mark', Buffer.from('\uFEFFTOKEN=abc\n', 'utf16le')],
    ['without one', Buffer.from('TOKEN=abc\n', 'utf16le')],
    ['of the other byte order', Buffer.from('\uFEFFTOKEN=abc\n', 'utf16le').swap16()],
  ] as const) {
    it(`is refused in UTF-16 ${what}, with what to do in PowerShell`, async () => {
      const {message, next} = await refusalOf(content)
      expect(message).to.contain('.env is UTF-16')
      expect(next).to.contain('Set-Content -Encoding utf8')
    })
  }

  it('is refused where it is no UTF-8, instead of sending other letters', async () => {
    expect((await refusalOf(Buffer.from('TOKEN=sch\u00f6n\n', 'latin1'))).message).to.contain('is not UTF-8')
  })
})
