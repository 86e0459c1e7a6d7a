import {expect} from 'chai'

import {query} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, scriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()

describe('payloads', () => {
  it('of many megabytes are stored whole beside small ones, and recognised again', async () => {
    const records = [
      {id: 'small'},
      {id: 'large', text: 'x\u2028'.repeat(5_000_000)},
      {id: 'medium', text: 'y'.repeat(3_000_000)},
    ]
    const source = scriptedSource(() => [], {
      async *extract() {
        yield await Promise.resolve({records})
      },
    })
    const run = async (now: number) => scriptedRun({source, folder: folder(), now, request: {full: true}})
    expect((await run(DAY)).counts.inserted).to.equal(3)
    expect((await run(2 * DAY)).counts).to.include({unchanged: 3, updated: 0})
    const lengths = await query(
      databaseIn(folder()),
      `SELECT external_id, length(payload->>'text')::INT AS length FROM raw_objects WHERE external_id <> 'small' ORDER BY 1`,
    )
    expect(lengths).to.deep.equal([
      {external_id: 'large', length: 10_000_000},
      {external_id: 'medium', length: 3_000_000},
    ])
  })
})
