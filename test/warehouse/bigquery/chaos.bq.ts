import {expect} from 'chai'

import {runBigQueryCampaign, type RunEnd} from '../../support/bigquery/campaign.ts'
import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {folderForEachTest} from '../../support/folder.ts'

describe('runs that meet with faults at any request, or are killed there', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())

  it('leave exactly the rows of the commits that the event log holds, and every commit whole', async () => {
    const ends: RunEnd[] = []
    const onRun = (end: RunEnd): number => ends.push(end)
    await runBigQueryCampaign({emulator, seed: 20_240_301, folder: folder(), runs: 16, hangs: false, onRun})
    expect(new Set(ends)).to.deep.equal(new Set(['killed', 'failed', 'done']))
  })
})
