import {expect} from 'chai'
import fc from 'fast-check'

import {parseExactly} from '../../src/base/exact-json.ts'

/** As digits without zeros around them and the power of ten of the last one. */
function decimal(written: string): {readonly digits: string; readonly power: number} {
  const [, sign = '', whole = '', part = '', power = '0'] =
    /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([-+]?\d+))?$/.exec(written) ?? []
  const digits = `${whole}${part}`.replace(/^0+/, '')
  const trimmed = digits.replace(/0+$/, '')
  if (trimmed === '') return {digits: '0', power: 0}
  return {digits: `${sign}${trimmed}`, power: Number(power) - part.length + digits.length - trimmed.length}
}

describe('numbers that a service sends', () => {
  for (const written of [
    '123456789012345678901234567890',
    '9007199254740993',
    '-9007199254740993',
    '0.1234567890123456789012345',
    '12345678901234567890.123',
    '1e400',
    '1e-400',
    '1.2345678901234e-320',
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

  it('have the same value afterwards, to the last digit', () => {
    const digits = fc.stringMatching(/^[0-9]{1,30}$/)
    const number = fc
      .tuple(
        fc.constantFrom('', '-'),
        digits.map((text) => text.replace(/^0+(?=\d)/, '')),
        fc.option(digits, {nil: undefined}),
        fc.option(fc.integer({min: -420, max: 420}), {nil: undefined}),
      )
      .map(
        ([sign, whole, part, power]) =>
          `${sign}${whole}${part === undefined ? '' : `.${part}`}${power === undefined ? '' : `e${power}`}`,
      )
    fc.assert(
      fc.property(number, (written) => {
        const kept = JSON.stringify(parseExactly(`{"n":${written}}`)).slice('{"n":'.length, -1)
        expect(decimal(kept)).to.deep.equal(decimal(written))
      }),
      {numRuns: 2000},
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
