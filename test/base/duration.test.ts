import {expect} from 'chai'
import * as fc from 'fast-check'

import {formatDuration, parseDuration} from '../../src/base/duration.ts'
import {outcomeOf} from '../../src/base/errors.ts'

describe('durations', () => {
  it('are read in seconds, minutes, hours, days and weeks', () => {
    expect(parseDuration('90s')).to.equal(90_000)
    expect(parseDuration('30m')).to.equal(1_800_000)
    expect(parseDuration('12h')).to.equal(43_200_000)
    expect(parseDuration('7d')).to.equal(604_800_000)
    expect(parseDuration('2w')).to.equal(1_209_600_000)
    expect(parseDuration('0s')).to.equal(0)
  })

  for (const text of ['', '5', 's', '5x', '-5s', '1.5h', ' 5s', '5s ', '5S', '1h30m', '٣s', '99999999999999999999w']) {
    it(`refuse ${JSON.stringify(text)} and show how to write one`, () => {
      const refused = (): unknown => parseDuration(text)
      expect(refused)
        .to.throw(`${JSON.stringify(text)} is not a duration`)
        .with.property('next')
        .that.includes('7d')
      expect(refused)
        .to.throw()
        .that.satisfies((error: unknown) => outcomeOf(error) === 'usage')
    })
  }

  it('mean the same after being printed', () => {
    fc.assert(
      fc.property(fc.nat({max: 1_000_000_000}), (seconds) => {
        expect(parseDuration(formatDuration(seconds * 1000))).to.equal(seconds * 1000)
      }),
    )
  })

  it('are printed in the largest unit that fits', () => {
    expect(formatDuration(604_800_000)).to.equal('1w')
    expect(formatDuration(86_400_000)).to.equal('1d')
    expect(formatDuration(90_000)).to.equal('90s')
    expect(formatDuration(0)).to.equal('0s')
  })

  it('never turn any text into something other than a number of milliseconds or a usage error', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.stringMatching(/^\d+[smhdwx]$/)), (text) => {
        try {
          expect(Number.isSafeInteger(parseDuration(text))).to.equal(true)
        } catch (error) {
          expect(outcomeOf(error)).to.equal('usage')
        }
      }),
    )
  })
})
