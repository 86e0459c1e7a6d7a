import {mkdir} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {runCampaign} from '../support/chaos/campaign.ts'
import {runCommandCampaign} from '../support/chaos/command-campaign.ts'
import {interleaveRuns} from '../support/chaos/interleaving.ts'
import {runAtTheSameTime} from '../support/chaos/neighbours.ts'
import {Random} from '../support/chaos/random.ts'
import {query} from '../support/database.ts'
import {copyOfHome, createProject, homeWith, untilStderrHas} from '../support/external-source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

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
    }).timeout(120_000)
  }
})

describe('runs at the same time', () => {
  it('leave one row for each key in any order, and a second one of a stream is refused and names the first', async () => {
    const {refused, stored} = await interleaveRuns({folder: folder(), seed: SEED, rounds: 12})
    expect(refused).to.be.greaterThan(2)
    expect(stored).to.be.greaterThan(12)
  }).timeout(60_000)

  it('in processes of their own, on one file, all succeed where they read different streams', async () => {
    const ended = await runAtTheSameTime(folder(), SEED, 3, 4)
    expect(ended.map(({outcome}) => outcome)).to.deep.equal(Array.from({length: 12}, () => 'done'))
    const rows = await query(
      databaseIn(folder()),
      'SELECT count(*)::INT AS rows, count(DISTINCT idem_key)::INT AS keys FROM raw_objects',
    )
    expect(rows).to.deep.equal([{rows: ended.length * 20, keys: ended.length * 20}])
  }).timeout(60_000)

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

describe('a slow older run', () => {
  it('never overwrites what a newer one wrote, however they take turns', async () => {
    const random = new Random(SEED)
    const base = Date.UTC(2024, 0, 1)
    for (let round = 0; round < 6; round += 1) {
      const account = `a${round}`
      const started = [1, 2, 3].map((number) => base + number * 1000)
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
  }).timeout(60_000)
})
