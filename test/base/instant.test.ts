import {expect} from 'chai'
import * as fc from 'fast-check'

import {outcomeOf} from '../../src/base/errors.ts'
import {parseInstant} from '../../src/base/instant.ts'

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
