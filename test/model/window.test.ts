import {expect} from 'chai'
import fc from 'fast-check'

import {cursorOf, dueWindows, mergeWindows, uncovered, type TimeWindow} from '../../src/model/window.ts'

const HORIZON = 40
const window = fc
  .tuple(fc.integer({min: 0, max: HORIZON}), fc.integer({min: 0, max: HORIZON}))
  .map(([one, other]) => ({since: Math.min(one, other), until: Math.max(one, other)}))
const windows = fc.array(window, {maxLength: 8})

/** The model: a set of whole instants. */
const instantsOf = (list: readonly TimeWindow[]): ReadonlySet<number> =>
  new Set(list.flatMap(({since, until}) => Array.from({length: until - since}, (_, index) => since + index)))

describe('coverage', () => {
  it('holds exactly the instants of its windows, however they overlap', () => {
    fc.assert(
      fc.property(windows, (list) => {
        const merged = mergeWindows(list)
        expect(instantsOf(merged)).to.deep.equal(instantsOf(list))
        for (const [index, later] of merged.entries()) {
          if (index > 0) expect(later.since).to.be.greaterThan(merged[index - 1]?.until ?? NaN)
        }
      }),
    )
  })

  it('has a cursor at the first instant from the start on that nothing covers', () => {
    fc.assert(
      fc.property(windows, fc.integer({min: 0, max: HORIZON}), (list, start) => {
        const covered = instantsOf(list)
        let expected = start
        while (covered.has(expected)) expected += 1
        expect(cursorOf(start, list)).to.equal(expected)
      }),
    )
  })

  it('leaves as due exactly what is not covered, without an overlap', () => {
    fc.assert(
      fc.property(windows, window, (list, range) => {
        const covered = instantsOf(list)
        const expected = new Set([...instantsOf([range])].filter((instant) => !covered.has(instant)))
        expect(instantsOf(uncovered(range, list))).to.deep.equal(expected)
        expect(instantsOf(dueWindows(range, list, 0))).to.deep.equal(expected)
      }),
    )
  })

  it('reads back by the overlap before every gap, and never before the start', () => {
    fc.assert(
      fc.property(windows, window, fc.integer({min: 1, max: 5}), (list, range, overlap) => {
        const gaps = uncovered(range, list)
        const due = instantsOf(dueWindows(range, list, overlap))
        const expected = new Set(
          [...instantsOf([range])].filter((instant) =>
            gaps.some(({since, until}) => instant >= since - overlap && instant < until),
          ),
        )
        expect(due).to.deep.equal(expected)
      }),
    )
  })

  it('does not begin at a gap that a manual window left', () => {
    expect(cursorOf(-Infinity, [{since: 10, until: 20}])).to.equal(-Infinity)
    expect(
      cursorOf(-Infinity, [
        {since: -Infinity, until: 5},
        {since: 10, until: 20},
      ]),
    ).to.equal(5)
    expect(
      dueWindows(
        {since: -Infinity, until: 30},
        [
          {since: -Infinity, until: 5},
          {since: 10, until: 20},
        ],
        0,
      ),
    ).to.deep.equal([
      {since: 5, until: 10},
      {since: 20, until: 30},
    ])
  })

  it('has nothing due when the clock jumped back behind what is covered', () => {
    expect(dueWindows({since: -Infinity, until: 10}, [{since: -Infinity, until: 20}], 5)).to.deep.equal([])
  })
})
