import {expect} from 'chai'

import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from '../support/scripted-source.ts'

const MINUTE = 60_000
const DAY = 24 * 60 * MINUTE
const folder = folderForEachTest()

describe('a clock that was up to ten minutes ahead', () => {
  for (const overlap of [undefined, '0s', '1m', '2h']) {
    it(`loses no record that was made meanwhile, with ${overlap === undefined ? 'no overlap' : `an overlap of ${overlap}`}`, async () => {
      const records: ScriptedRecord[] = []
      const source = scriptedSource(() => records, overlap === undefined ? {} : {defaults: {overlap}})
      await scriptedRun({source, folder: folder(), now: DAY + 9 * MINUTE})
      records.push({id: 'meanwhile', at: DAY + MINUTE})
      await scriptedRun({source, folder: folder(), now: DAY + 5 * MINUTE})
      const {counts} = await scriptedRun({source, folder: folder(), now: DAY + 20 * MINUTE})
      expect(counts.inserted).to.equal(1)
    })
  }

  it('leaves the whole overlap to records that turn up late', async () => {
    const records: ScriptedRecord[] = []
    const source = scriptedSource(() => records, {defaults: {overlap: '10m'}})
    await scriptedRun({source, folder: folder(), now: DAY + 9 * MINUTE})
    records.push({id: 'late', at: DAY - 9 * MINUTE})
    expect((await scriptedRun({source, folder: folder(), now: DAY + 20 * MINUTE})).counts.inserted).to.equal(1)
  })

  it('reads changes since a bookmark, and their time again once the bookmark is of no use', async () => {
    const records: ScriptedRecord[] = []
    let [position, useless] = [1, 0]
    const source = scriptedSource(() => records, {
      currentBookmark: () => Promise.resolve(position),
      canResume: ({bookmark}) => Promise.resolve(bookmark !== useless),
    })
    await scriptedRun({source, folder: folder(), now: DAY + 9 * MINUTE})
    records.push({id: 'meanwhile', at: DAY + MINUTE})
    ;[position, useless] = [2, 1]
    expect((await scriptedRun({source, folder: folder(), now: DAY + 20 * MINUTE})).counts.inserted).to.equal(1)
  })

  it('drops no payload of a record that changed since', async () => {
    const source = (title: string) => scriptedSource(() => [{id: 'a', at: 1, title}])
    const request = {full: true}
    await scriptedRun({source: source('before'), folder: folder(), now: DAY + 5 * MINUTE, request})
    const {counts} = await scriptedRun({source: source('after'), folder: folder(), now: DAY + MINUTE, request})
    expect(counts).to.include({updated: 1, unchanged: 0})
    const [row] = await query(databaseIn(folder()), 'SELECT * FROM raw_objects')
    expect(JSON.parse(String(row?.['payload']))).to.include({title: 'after'})
    expect(row, 'when the record was last read').to.have.property('last_seen', '1970-01-02 00:01:00+00')
  })
})
