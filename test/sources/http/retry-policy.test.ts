import {expect} from 'chai'

import {backoffBound, jittered, retryAfter, type Retry} from '../../../src/sources/http/retry-policy.ts'

const LIMITS = {maxTries: 8, firstBackoff: 1000}
const PASSING = {status: 503, retry: true}
const FOR_GOOD = {status: 404, retry: false}
const QUOTA = {status: 429, retry: true, pausesAll: true}
const HTML = {status: 200, retry: true, oddAnswer: true}
const UNAUTHORIZED = {status: 401, retry: false}

const renew: Retry = {action: 'renew authorization'}
const pause: Retry = {action: 'pause account'}
const wait = (atMost: number): Retry => ({action: 'wait', atMost})
const giveUp = (note = ''): Retry => ({action: 'give up', note})

describe('the retry policy', () => {
  const table: readonly (readonly [
    what: string,
    failure: Parameters<typeof retryAfter>[0],
    state: Partial<Parameters<typeof retryAfter>[1]>,
    expected: Retry,
  ])[] = [
    ['waits up to a second after the first failure that passes', PASSING, {}, wait(1000)],
    ['waits up to two seconds after the second', PASSING, {failures: 1}, wait(2000)],
    ['waits up to 64 seconds after the seventh', PASSING, {failures: 6}, wait(64_000)],
    ['gives up after the eighth', PASSING, {failures: 7}, giveUp('; gave up after 8 tries')],
    ['gives up at once where another try cannot help', FOR_GOOD, {}, giveUp()],
    ['tries an answer that is no JSON again', HTML, {failures: 1}, wait(2000)],
    ['gives up on the third one', HTML, {failures: 2}, giveUp('; gave up after 3 tries')],
    ['pauses the account after the refusal of a quota', QUOTA, {}, pause],
    ['pauses it again, however often it was refused', QUOTA, {failures: 100}, pause],
    ['gives up on a refusal of which the source says that it lasts', {...QUOTA, retry: false}, {}, giveUp()],
    ['renews an authorization that is refused', UNAUTHORIZED, {authorized: true}, renew],
    ['renews it after other failures as well', UNAUTHORIZED, {authorized: true, failures: 7}, renew],
    ['gives up where the renewed one is refused', UNAUTHORIZED, {authorized: true, renewed: true}, giveUp()],
    ['gives up where there is none to renew', UNAUTHORIZED, {}, giveUp()],
  ]
  for (const [what, failure, state, expected] of table) {
    it(what, () => {
      const decided = retryAfter(failure, {failures: 0, authorized: false, renewed: false, ...state}, LIMITS)
      expect(decided).to.deep.equal(expected)
    })
  }

  it('never waits longer than 64 seconds, however often a request failed', () => {
    expect(backoffBound(1000, 50)).to.equal(64_000)
    expect(backoffBound(100_000, 1)).to.equal(64_000)
  })

  it('spreads the waits over all that lies below the bound', () => {
    const waits = Array.from({length: 1000}, () => jittered(1000))
    expect(Math.min(...waits)).to.be.within(0, 100)
    expect(Math.max(...waits)).to.be.within(900, 1000)
  })
})
