import {expect} from 'chai'
import fc from 'fast-check'

import {Slices} from '../../src/run/slices.ts'
import type {Estimate} from '../../src/source.ts'
import type {TimeWindow} from '../../src/model/window.ts'

const MINUTE = 60_000
const HORIZON = 40
const window = fc
  .tuple(fc.integer({min: 0, max: HORIZON}), fc.integer({min: 0, max: HORIZON}))
  .map(([one, other]) => ({since: Math.min(one, other), until: Math.max(one, other)}))
const most = {records: 100, units: 1000}

async function slicesOf(
  whole: TimeWindow,
  length: number | undefined,
  earliest: number,
  isEmpty: (slice: TimeWindow) => boolean,
  sizeOf?: (slice: TimeWindow) => Promise<Estimate>,
  isMaximum = false,
): Promise<TimeWindow[]> {
  const slices = new Slices(whole, {length, isMaximum, earliest, most, ...(sizeOf !== undefined && {sizeOf})})
  const all: TimeWindow[] = []
  for (let slice = await slices.next(false); slice !== undefined; slice = await slices.next(isEmpty(slice)))
    all.push(slice)
  return all
}

const endsOf = (slices: readonly TimeWindow[]): number[] => slices.map(({until}) => until)

describe('slices', () => {
  it('cover the window once, oldest first, whatever is empty and however much is in it', async () => {
    await fc.assert(
      fc.asyncProperty(
        window,
        fc.integer({min: 1, max: 7}),
        fc.integer({min: 0, max: HORIZON}),
        fc.func(fc.boolean()),
        fc.array(fc.integer({min: 0, max: HORIZON}), {maxLength: 500}),
        async (whole, length, earliest, isEmpty, records) => {
          const inMinutes = ({since, until}: TimeWindow) => ({since: since * MINUTE, until: until * MINUTE})
          const sizeOf = async ({since, until}: TimeWindow): Promise<Estimate> => {
            const inside = records.filter((at) => since <= at * MINUTE && at * MINUTE < until)
            return Promise.resolve({records: inside.length, units: 0})
          }
          const slices = await slicesOf(inMinutes(whole), length * MINUTE, earliest * MINUTE, isEmpty, sizeOf)
          let from = whole.since * MINUTE
          for (const slice of slices) {
            expect(slice.since).to.equal(from)
            expect(slice.until).to.be.greaterThan(slice.since)
            from = slice.until
          }
          expect(from).to.equal((slices.length === 0 ? whole.since : whole.until) * MINUTE)
          if (slices.length === 0) expect(whole.since).to.equal(whole.until)
        },
      ),
    )
  })

  it('double after an empty one and return to their length after a full one', async () => {
    const slices = await slicesOf({since: 0, until: 100}, 10, -Infinity, ({since}) => since < 30)
    expect(endsOf(slices)).to.deep.equal([10, 30, 70, 80, 90, 100])
  })

  it('stay below five times their length, however long nothing came: all records may lie behind the gap', async () => {
    const slices = await slicesOf({since: 0, until: 200}, 10, -Infinity, () => true)
    expect(endsOf(slices)).to.deep.equal([10, 30, 70, 110, 150, 190, 200])
  })

  it('are never longer than the length that the job names, however long nothing came', async () => {
    const whole = {since: 0, until: 50 * MINUTE}
    const least = async (): Promise<Estimate> => Promise.resolve({records: 0, units: 0})
    for (const sizeOf of [undefined, least]) {
      const slices = await slicesOf(whole, 10 * MINUTE, -Infinity, () => true, sizeOf, true)
      expect(endsOf(slices).map((end) => end / MINUTE)).to.deep.equal([10, 20, 30, 40, 50])
    }
  })

  it('grow back to no more than that after one that was shortened', async () => {
    const sizeOf = async ({since}: TimeWindow): Promise<Estimate> =>
      Promise.resolve({records: since < 10 * MINUTE ? 150 : 0, units: 0})
    const slices = await slicesOf({since: 0, until: 60 * MINUTE}, 10 * MINUTE, -Infinity, () => true, sizeOf, true)
    for (const {since, until} of slices) expect(until - since).to.be.at.most(10 * MINUTE)
  })

  it('begin without a lower bound and count from the earliest instant of the source', async () => {
    const slices = await slicesOf({since: -Infinity, until: 130}, 10, 100, () => false)
    expect(slices).to.deep.equal([
      {since: -Infinity, until: 110},
      {since: 110, until: 120},
      {since: 120, until: 130},
    ])
  })

  it('are one where a source has neither a slice length nor an earliest instant', async () => {
    const whole = {since: -Infinity, until: 130}
    expect(await slicesOf(whole, 10, -Infinity, () => false)).to.deep.equal([whole])
    const bounded = {since: 0, until: 130}
    expect(await slicesOf(bounded, undefined, -Infinity, () => false)).to.deep.equal([bounded])
  })

  const DAY = 1440 * MINUTE
  /** How many records of evenly spread ones lie in the slice. */
  const dense = (from: number, until: number, perDay: number) => (slice: TimeWindow) =>
    Math.max(0, Math.floor(((Math.min(slice.until, until) - Math.max(slice.since, from)) / DAY) * perDay))
  const unitsOf = (count: (slice: TimeWindow) => number) => async (slice: TimeWindow) =>
    Promise.resolve({records: 0, units: count(slice)})

  it('are shortened until none holds too much, and grow back where it is quiet', async () => {
    const count = dense(40 * DAY, 70 * DAY, 2000)
    let asked = 0
    const sizeOf = async (slice: TimeWindow): Promise<Estimate> => {
      asked += 1
      return unitsOf(count)(slice)
    }
    const slices = await slicesOf({since: 0, until: 200 * DAY}, 30 * DAY, 0, (slice) => count(slice) === 0, sizeOf)
    expect(Math.max(...slices.map(count))).to.be.at.most(most.units)
    const full = slices.filter((slice) => count(slice) > 0)
    expect(full.length, 'nearly as few as can be').to.be.within(60, 150)
    expect(asked, 'the source is not asked much more often than it is read').to.be.below(3 * slices.length)
    const longest = Math.max(...slices.map(({since, until}) => until - since))
    expect(longest).to.be.at.least(30 * DAY)
  })

  it('cost few questions for long quiet years', async () => {
    const count = dense(8000 * DAY, 8010 * DAY, 2000)
    let asked = 0
    const sizeOf = async (slice: TimeWindow): Promise<Estimate> => {
      asked += 1
      return unitsOf(count)(slice)
    }
    const slices = await slicesOf({since: 0, until: 8010 * DAY}, 30 * DAY, 0, (slice) => count(slice) === 0, sizeOf)
    expect(Math.max(...slices.map(count))).to.be.at.most(most.units)
    expect(slices.length).to.be.below(60)
    expect(asked).to.be.below(160)
  })

  it('are shortened by the count of records, too', async () => {
    const count = dense(0, DAY, 1000)
    const sizeOf = async (slice: TimeWindow) => Promise.resolve({records: count(slice), units: 0})
    const slices = await slicesOf({since: 0, until: DAY}, undefined, -Infinity, () => false, sizeOf)
    expect(Math.max(...slices.map(count))).to.be.at.most(most.records)
  })

  it('are not cut below a minute, though very much were in it, nor where there is nothing to count from', async () => {
    const tooMuch = async () => Promise.resolve({records: 0, units: 1e9})
    const slices = await slicesOf({since: 0, until: 10 * MINUTE}, undefined, -Infinity, () => false, tooMuch)
    expect(slices.length).to.be.at.most(10)
    const whole = {since: -Infinity, until: DAY}
    expect(await slicesOf(whole, DAY, -Infinity, () => false, tooMuch)).to.deep.equal([whole])
  })
})
