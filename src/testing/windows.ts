import type {ConformanceSetup} from './setup.ts'
import {readWhole} from './reading.ts'
import {SMALL, withTrial, type Trial} from './trial.ts'

export const checkWindows = async (setup: ConformanceSetup): Promise<void> =>
  withTrial(setup, SMALL, async (trial) => {
    if (!setup.source.streams(trial.options).some(({windowed}) => windowed)) return
    const {timeOf} = setup
    if (timeOf === undefined) {
      throw new Error('it has a windowed stream: give the suite timeOf, the time that windows select by')
    }
    const {records} = await readWhole(trial, {windowedOnly: true})
    const times = new Map(
      records.map(({record, stream}) => [
        setup.source.idemKey(record, stream, trial.options),
        timeOf(record).getTime(),
      ]),
    )
    const moments = [...new Set(times.values())].toSorted((one, other) => one - other)
    if (moments.some((moment) => Number.isNaN(moment))) throw new Error('timeOf gives no time for some record')
    const [early, late] = [moments[Math.floor(moments.length / 4)], moments[Math.floor(moments.length / 2)]]
    if (early === undefined || late === undefined || moments.length < 4) {
      throw new Error(`the records have ${moments.length} different times; the test service must give each its own`)
    }
    // At the very times of records, where it matters to which side each belongs.
    for (const window of [
      {since: -Infinity, until: early},
      {since: early, until: late},
      {since: early, until: early + 1},
      {since: late, until: Date.now()},
    ]) {
      await checkWindow(trial, window, times)
    }
  })

async function checkWindow(
  trial: Trial,
  window: {readonly since: number; readonly until: number},
  times: ReadonlyMap<string, number>,
): Promise<void> {
  const {keys} = await readWhole(trial, {window, windowedOnly: true})
  const read = new Set(keys)
  for (const [key, time] of times) {
    const inside = window.since <= time && time < window.until
    if (inside === read.has(key)) continue
    throw new Error(
      `asked for ${window.since === -Infinity ? 'everything' : `since ${iso(window.since)}`} until ${iso(window.until)}, it ${inside ? 'left out' : 'yielded'} ${key} of ${iso(time)}; a window is half open, since <= t < until`,
    )
  }
}

const iso = (time: number): string => new Date(time).toISOString()
