import {expect} from 'chai'
import fc from 'fast-check'

import {indentJson} from '../../src/report/indented-json.ts'

describe('a payload that is shown', () => {
  it('is indented as JSON.stringify does it, whatever is in it', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const json = JSON.stringify(value)
        expect(indentJson(json)).to.equal(JSON.stringify(JSON.parse(json), null, 2))
      }),
    )
  })

  it('keeps every digit and the spelling of numbers, and needs no blanks in between', () => {
    expect(indentJson('{ "a" :1.0,"b":[12345678901234567890.10 , 1E400], "c":{ } }')).to.equal(
      '{\n  "a": 1.0,\n  "b": [\n    12345678901234567890.10,\n    1E400\n  ],\n  "c": {}\n}',
    )
  })

  it('stays on its line where it is nested so deeply that indents would be longer than itself', () => {
    const deep = '['.repeat(100_000) + ']'.repeat(100_000)
    expect(indentJson(deep)).to.equal(deep)
  })
})
