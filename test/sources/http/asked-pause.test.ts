import {expect} from 'chai'

import {askedPause} from '../../../src/sources/http/asked-pause.ts'

const DATE = 'Mon, 05 Jan 2026 10:00:00 GMT'

describe('the pause that a server asks for', () => {
  for (const [written, milliseconds] of [
    ['6', 6000],
    ['6.0', 6000],
    ['5.997', 5997],
    ['0', 0],
    ['6, 6', 6000],
    ['6,8', 8000],
    ['6s', 6000],
    ['6 seconds', 6000],
    ['Mon, 05 Jan 2026 10:00:09 GMT', 9000],
    ['Monday, 05-Jan-26 10:00:09 GMT', 9000],
    ['Mon Jan  5 10:00:09 2026 GMT', 9000],
    ['Mon, 05 Jan 2026 10:00:09 GMT, Mon, 05 Jan 2026 10:00:11 GMT', 11_000],
    ['2026-01-05T10:00:09Z', 9000],
    ['Mon, 05 Jan 2026 09:00:00 GMT', 0],
    ['', undefined],
    ['soon', undefined],
    ['-1', undefined],
  ] as const)
    it(`is understood: ${JSON.stringify(written)}`, () => {
      expect(askedPause(new Headers({date: DATE, 'retry-after': written}), '')).to.equal(milliseconds)
    })
})
