import {expect} from 'chai'
import * as fc from 'fast-check'

import {outcomeOf} from '../../src/base/errors.ts'
import {formatDuration, parseDuration, parseInstant} from '../../src/base/time.ts'

const read = (text: string): string => parseInstant(text).date.toISOString()

describe('instants', () => {
  it('without a time are midnight UTC', () => {
    expect(read('2026-01-31')).to.equal('2026-01-31T00:00:00.000Z')
    expect(parseInstant('2026-01-31').zoned).to.equal(false)
  })

  it('without a zone are UTC, and say that they had none', () => {
    expect(read('2026-01-31T12:30')).to.equal('2026-01-31T12:30:00.000Z')
    expect(read('2026-01-31 12:30:15')).to.equal('2026-01-31T12:30:15.000Z')
    expect(parseInstant('2026-01-31T12:30').zoned).to.equal(false)
  })

  it('with a zone are that instant', () => {
    expect(read('2026-01-31T12:30:00Z')).to.equal('2026-01-31T12:30:00.000Z')
    expect(read('2026-01-31T12:30:00+01:30')).to.equal('2026-01-31T11:00:00.000Z')
    expect(read('2026-01-31T12:30:00-0800')).to.equal('2026-01-31T20:30:00.000Z')
    expect(read('2026-01-31T12:30+02')).to.equal('2026-01-31T10:30:00.000Z')
    expect(parseInstant('2026-01-31T12:30Z').zoned).to.equal(true)
  })

  it('are exact to the millisecond', () => {
    expect(read('2026-01-31T12:30:00.1Z')).to.equal('2026-01-31T12:30:00.100Z')
    expect(read('2026-01-31T12:30:00.123456Z')).to.equal('2026-01-31T12:30:00.123Z')
  })

  it('know leap years', () => {
    expect(read('2024-02-29')).to.equal('2024-02-29T00:00:00.000Z')
  })

  for (const text of [
    '',
    'yesterday',
    '2026-02-30',
    '2026-02-29',
    '2026-13-01',
    '2026-00-10',
    '2026-1-1',
    '2026-01-31T24:00',
    '2026-01-31T12:60',
    '2026-01-31T12',
    '2026-01-31T12:00:60Z',
    '2026-01-31T12:00+25:00',
    '2026-01-31Z',
    '31.01.2026',
    '1767225600',
    '0000-01-01',
    '0001-01-01T00:00:00+01:00',
    '9999-12-31T23:59:59-01:00',
    '12026-01-01',
  ]) {
    it(`refuse ${JSON.stringify(text)}`, () => {
      expect(() => parseInstant(text))
        .to.throw(`${JSON.stringify(text)} is not a date`)
        .that.satisfies((error: unknown) => outcomeOf(error) === 'usage')
    })
  }

  it('mean the same after being printed', () => {
    const dates = fc.date({min: new Date('0001-01-01'), max: new Date('9999-12-31'), noInvalidDate: true})
    fc.assert(
      fc.property(dates, (date) => {
        expect(read(date.toISOString())).to.equal(date.toISOString())
      }),
    )
  })
})

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
