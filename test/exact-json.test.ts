import {expect} from 'chai'
import fc from 'fast-check'

import {parseExactly} from '../src/exact-json.ts'

describe('numbers that a service sends', () => {
  for (const written of [
    '123456789012345678901234567890',
    '9007199254740993',
    '-9007199254740993',
    '0.1234567890123456789012345',
    '12345678901234567890.123',
    '1e400',
    '1e-400',
    '1.00000000000000000001',
  ]) {
    it(`keep their digits: ${written}`, () => {
      expect(JSON.stringify(parseExactly(`{"a":[${written}]}`))).to.equal(`{"a":[${written}]}`)
    })
  }

  it('are ordinary numbers where a double holds them', () => {
    expect(parseExactly('[1, 1.5, 1e3, 9007199254740991, 0.1, 1234567890.12345, 100000000000000000000]')).to.deep.equal(
      [1, 1.5, 1000, 9_007_199_254_740_991, 0.1, 1_234_567_890.123_45, 1e20],
    )
  })

  it('mean the same as before, whatever JSON they stand in', () => {
    fc.assert(
      fc.property(fc.json(), (text) => {
        expect(JSON.parse(JSON.stringify(parseExactly(text)))).to.deep.equal(JSON.parse(text))
      }),
    )
  })
})
