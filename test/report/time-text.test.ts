import {expect} from 'chai'

import {plainScreen} from '../../src/base/screen.ts'
import {formatSpan} from '../../src/base/span.ts'
import {formatWhen} from '../../src/report/time-text.ts'

const SECOND = 1000
const MINUTE = 60 * SECOND
const HOUR = 60 * MINUTE

describe('how long something took', () => {
  it('is said as people say it', () => {
    const said = [410, 12_410, 59_990, 59_999, 60_000, 125_000, HOUR - 1, HOUR, 3 * HOUR + 12 * MINUTE, 52 * HOUR]
    expect(said.map(formatSpan)).to.deep.equal([
      '0.41s',
      '12.41s',
      '59.99s',
      '1 min',
      '1 min',
      '2 min 5 s',
      '1 h',
      '1 h',
      '3 h 12 min',
      '2 d 4 h',
    ])
  })
})

describe('when something was', () => {
  const now = Date.parse('2026-01-05T12:00:00Z')
  const when = (ago: number, columns?: number): string =>
    formatWhen(now - ago, {...plainScreen(now), ...(columns !== undefined && {columns})})

  it('is an age to people', () => {
    expect([10 * SECOND, 5 * MINUTE, 3 * HOUR, 50 * HOUR, -2 * HOUR].map((ago) => when(ago, 80))).to.deep.equal([
      'just now',
      '5 min ago',
      '3 h ago',
      '2 d ago',
      'in 2 h',
    ])
  })

  it('is ISO 8601 to programs', () => {
    expect(when(3 * HOUR)).to.equal('2026-01-05T09:00:00.000Z')
  })
})
