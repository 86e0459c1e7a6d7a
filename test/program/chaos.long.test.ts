import {expect} from 'chai'

import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import {interleaveRuns} from '../support/chaos/interleaving.ts'
import {Random} from '../support/random.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const SEED = 20_240_301
const folder = folderForEachTest()

describe('runs at the same time', () => {
  it('leave one row for each key in any order, and a second one of a stream is refused and names the first', async () => {
    const {refused, stored} = await interleaveRuns({folder: folder(), seed: SEED, rounds: 12})
    expect(refused).to.be.greaterThan(2)
    expect(stored).to.be.greaterThan(12)
  })
})

describe('a slow older run', () => {
  it('never overwrites what a newer one wrote, however they take turns', async () => {
    const random = new Random(SEED)
    const base = Date.UTC(2024, 0, 1)
    for (let round = 0; round < 6; round += 1) {
      const account = `a${round}`
      const started = [1, 2, 3].map((number) => base + number * (CLOCK_TOLERANCE + 1000))
      const order = started.toSorted(() => random.next() - 0.5)
      for (const at of order) {
        const source = scriptedSource(() => [{id: 'a', at: 0, version: at}])
        await scriptedRun({source, folder: folder(), account, now: at, request: {since: 0, until: base}})
      }
      const rows = await query(
        databaseIn(folder()),
        `SELECT (payload->>'version')::DOUBLE AS version FROM raw_objects WHERE source_system = 'scripted--${account}'`,
      )
      expect(rows, order.join(', ')).to.deep.equal([{version: Math.max(...started)}])
    }
  })
})
