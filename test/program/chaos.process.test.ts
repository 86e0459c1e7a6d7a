import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {runBoxCampaign} from '../support/chaos/box-campaign.ts'
import {runCampaign} from '../support/chaos/campaign.ts'
import {runCommandCampaign} from '../support/chaos/command-campaign.ts'
import {runAtTheSameTime} from '../support/chaos/neighbours.ts'
import {query} from '../support/database.ts'
import {copyOfHome, createProject, homeWith, untilStderrHas} from '../support/external-source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn} from '../support/scripted-run.ts'

const SEED = 20_240_301
const folder = folderForEachTest()

describe('a run that is killed at any moment', () => {
  for (const [what, run, kills] of [
    ['of many commits', runCampaign, 16],
    ['of two jobs, started as a command', runCommandCampaign, 5],
  ] as const) {
    it(`leaves whole commits only, the next one goes on from there, and the end is as if nothing had happened: ${what}`, async () => {
      const tally = {killed: 0}
      for (let number = 0; tally.killed < kills; number += 1) {
        const campaign = join(folder(), String(number))
        await mkdir(campaign)
        const onKill = (): boolean => {
          tally.killed += 1
          return tally.killed < kills
        }
        await run({seed: SEED + number, folder: campaign, onKill})
      }
    })
  }
})

// Which boxes a command has is seen in /proc.
if (process.platform === 'linux') {
  describe('a box that is killed at any moment', () => {
    it('fails its run with a plain word and code 1, stops no other, leaves nothing behind, and costs no record', async () => {
      const tally = {killed: 0}
      const onKill = (): boolean => {
        tally.killed += 1
        return tally.killed < 6
      }
      await runBoxCampaign({seed: SEED, folder: folder(), onKill})
      expect(tally.killed).to.be.at.least(6)
    })
  })
}

describe('runs at the same time', () => {
  it('in processes of their own, on one file, all succeed where they read different streams', async () => {
    const ended = await runAtTheSameTime(folder(), SEED, 3, 4)
    expect(ended.map(({outcome}) => outcome)).to.deep.equal(Array.from({length: 12}, () => 'done'))
    const rows = await query(
      databaseIn(folder()),
      'SELECT count(*)::INT AS rows, count(DISTINCT idem_key)::INT AS keys FROM raw_objects',
    )
    expect(rows).to.deep.equal([{rows: ended.length * 20, keys: ended.length * 20}])
  })

  it('of one stream, as commands: the second exits with 4 and names the first, which is not disturbed', async () => {
    const home = await homeWith({name: 'diary'})
    const yaml = 'jobs:\n  entries:\n    source: diary\n    file: records.json\n    start: 2024-03-01T00:00:00Z\n'
    const project = await createProject({home, yaml: `${yaml}    slice: 1d\n`})
    await project.writeRecords([
      {at: '2024-03-01T12:00:00Z', id: 'whole'},
      {at: '2024-03-02T12:00:00Z', hang: true},
    ])
    const first = await project.start(['run', 'entries'])
    await untilStderrHas(first, 'hanging')
    const other = await createProject({
      home: await copyOfHome(home),
      yaml: `warehouse:\n  type: duckdb\n  path: ${project.database}\n${yaml}`,
    })
    await other.writeRecords([])
    const second = await other.run(['run', 'entries'])
    expect(second.code).to.equal(4)
    expect(second.stderr).to.match(/run entries-\d{14}-[0-9a-f]{8} is reading the same stream \(process \d+ on /)
    first.process.kill('SIGTERM')
    expect((await first.result).code).to.equal(143)
    expect(await query(project.database, 'SELECT external_id FROM raw_objects')).to.deep.equal([{external_id: 'whole'}])
    const third = await other.run(['run', 'entries'])
    expect(third.code, third.stderr).to.equal(0)
  })
})
