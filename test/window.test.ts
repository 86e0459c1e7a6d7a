import {expect} from 'chai'
import fc from 'fast-check'

import {cursorOf, dueWindows, mergeWindows, Slices, uncovered, type TimeWindow} from '../src/window.ts'

const HORIZON = 40
const window = fc
  .tuple(fc.integer({min: 0, max: HORIZON}), fc.integer({min: 0, max: HORIZON}))
  .map(([one, other]) => ({since: Math.min(one, other), until: Math.max(one, other)}))
const windows = fc.array(window, {maxLength: 8})

/** The model: a set of whole instants. */
const instantsOf = (list: readonly TimeWindow[]): ReadonlySet<number> =>
  new Set(list.flatMap(({since, until}) => Array.from({length: until - since}, (_, index) => since + index)))

function slicesOf(
  whole: TimeWindow,
  length: number | undefined,
  earliest: number,
  isEmpty: (slice: TimeWindow) => boolean,
): TimeWindow[] {
  const slices = new Slices(whole, length, earliest)
  const all: TimeWindow[] = []
  for (let slice = slices.next(false); slice !== undefined; slice = slices.next(isEmpty(slice))) all.push(slice)
  return all
}

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

describe('slices', () => {
  it('cover the window once, oldest first, whatever is empty', () => {
    fc.assert(
      fc.property(
        window,
        fc.integer({min: 1, max: 7}),
        fc.integer({min: 0, max: HORIZON}),
        fc.func(fc.boolean()),
        (whole, length, earliest, isEmpty) => {
          const slices = slicesOf(whole, length, earliest, isEmpty)
          let from = whole.since
          for (const slice of slices) {
            expect(slice.since).to.equal(from)
            expect(slice.until).to.be.greaterThan(slice.since)
            from = slice.until
          }
          expect(from).to.equal(slices.length === 0 ? whole.since : whole.until)
          if (slices.length === 0) expect(whole.since).to.equal(whole.until)
        },
      ),
    )
  })

  it('double after an empty one and return to their length after a full one', () => {
    const ends = slicesOf({since: 0, until: 100}, 10, -Infinity, ({since}) => since < 30).map(({until}) => until)
    expect(ends).to.deep.equal([10, 30, 70, 80, 90, 100])
  })

  it('stay below five times their length, however long nothing came: all records may lie behind the gap', () => {
    const ends = slicesOf({since: 0, until: 200}, 10, -Infinity, () => true).map(({until}) => until)
    expect(ends).to.deep.equal([10, 30, 70, 110, 150, 190, 200])
  })

  it('begin without a lower bound and count from the earliest instant of the source', () => {
    const slices = slicesOf({since: -Infinity, until: 130}, 10, 100, () => false)
    expect(slices).to.deep.equal([
      {since: -Infinity, until: 110},
      {since: 110, until: 120},
      {since: 120, until: 130},
    ])
  })

  it('are one where a source has neither a slice length nor an earliest instant', () => {
    expect(slicesOf({since: -Infinity, until: 130}, 10, -Infinity, () => false)).to.deep.equal([
      {since: -Infinity, until: 130},
    ])
    expect(slicesOf({since: 0, until: 130}, undefined, -Infinity, () => false)).to.deep.equal([{since: 0, until: 130}])
  })
})
