import {expect} from 'chai'

import {formatEstimate, formatPriceOfDiff} from '../../src/report/run-summary.ts'
import type {Estimate} from '../../src/source.ts'
import {temporaryFolder} from '../support/cli.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000

describe('how long a run will take', () => {
  const now = Date.parse('2026-03-01T12:00:00Z')

  async function estimatesOf(run: Partial<Parameters<typeof scriptedRun>[0]>) {
    const asked: string[] = []
    const told: Estimate[] = []
    const source = {
      ...scriptedSource(() => []),
      defaults: {slice: '30d', earliest: '2020-01-01T00:00:00Z'},
      estimate: async ({window}: {window: {since?: Date; until: Date}}) => {
        asked.push(`${window.since?.toISOString() ?? 'the beginning'} to ${window.until.toISOString()}`)
        return Promise.resolve({records: 5, units: 100})
      },
    }
    const {error} = await scriptedRun({
      source,
      folder: await temporaryFolder(),
      now,
      estimated: (estimate) => told.push(estimate),
      ...run,
    })
    expect(error).to.equal(undefined)
    return {asked, told}
  }

  it('is asked of the source for all that is due', async () => {
    const {asked, told} = await estimatesOf({})
    expect(asked).to.deep.equal(['the beginning to 2026-03-01T12:00:00.000Z'])
    expect(told).to.deep.equal([{records: 5, units: 100}])
  })

  it('is asked once for a run of a few days, which may hold much', async () => {
    const {asked} = await estimatesOf({request: {since: now - 3 * DAY}})
    expect(asked).to.deep.equal(['2026-02-26T12:00:00.000Z to 2026-03-01T12:00:00.000Z'])
  })

  it('is not asked for a limited run', async () => {
    expect((await estimatesOf({request: {limit: 5}})).asked).to.deep.equal([])
  })

  it('is said in hours and minutes, where it is more than one', () => {
    const unitsPerMinute = 4800
    expect(formatEstimate({records: 200_000, units: 4_002_000, unitsPerMinute})).to.deep.equal([
      '  200,000 records to fetch: about 13 h 54 min at 4,800 units a minute. It may be stopped at any time; the same command goes on',
    ])
    expect(formatEstimate({records: 200, units: 4005, unitsPerMinute})).to.deep.equal([])
    expect(formatEstimate({records: 200, units: 4005, unitsPerMinute: Infinity})).to.deep.equal([])
  })

  it('is followed by what a diff may read, where that is billed', () => {
    expect(formatPriceOfDiff('BigQuery', 1_700_000_000)).to.equal(
      '  BigQuery estimates that comparing reads up to 1.7 GB for each commit',
    )
  })
})
