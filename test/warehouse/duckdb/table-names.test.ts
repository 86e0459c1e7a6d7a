import {expect} from 'chai'

import {openWarehouse} from '../../../src/warehouse/open-warehouse.ts'
import {readPastRuns} from '../../../src/run/past-runs.ts'
import {query} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, scriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

/** What statements of lorchestra call, or called, their own tables, views, expressions and databases. */
const NAMES = [
  ['windows', 'staged'],
  ['started', 'changed'],
  ['newest', 'staged_key'],
  ['islands', 'stored_key'],
  ['open_run', 'lone_record'],
  ['staged', 'warehouse'],
  ['changed', 'main'],
] as const

const folder = folderForEachTest()

describe('tables of any name that lorchestra.yaml takes', () => {
  for (const [eventLog, rawObjects] of NAMES)
    it(`are written, read and told of: ${eventLog}, ${rawObjects}`, async () => {
      const tables = {eventLog, rawObjects}
      let text = 'first'
      const source = scriptedSource(() => ['a', 'b'].map((id, at) => ({id, at, text})))
      const run = async (now: number) => scriptedRun({source, folder: folder(), tables, now, request: {full: true}})
      const first = await run(1000)
      expect([first.error, first.counts.inserted]).to.deep.equal([undefined, 2])
      expect((await run(2000)).counts).to.include({unchanged: 2})
      text = 'second'
      const last = await run(3000)
      expect([last.error, last.counts.updated]).to.deep.equal([undefined, 2])
      const settings = {path: databaseIn(folder()), lockTimeout: '10s', undo: '7d'}
      const warehouse = await openWarehouse({type: 'duckdb', tables, settings})
      expect((await readPastRuns(warehouse, tables, {limit: 10})).length).to.equal(3)
      const {streams, tables: described} = await warehouse.describe(tables)
      expect(streams.map(({covered}) => covered.length)).to.deep.equal([1])
      expect(described.map(({exists}) => exists)).to.deep.equal([true, true])
      expect(await warehouse.countSurplusRows(tables)).to.equal(0)
      expect(await warehouse.readRejects(tables, {of: {runId: last.runId}, closedToo: true, limit: 10})).to.deep.equal(
        [],
      )
      const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
      const {row, events} = await warehouse.readRecord(tables, {idemKey: 'thing:scripted--acct1:a', stream})
      expect([row?.firstSeen, row?.lastSeen, events.length]).to.deep.equal([1000, 3000, 2])
      const columns = [{name: 'id', path: '/id', type: 'text'}] as const
      const {select} = await warehouse.viewSql({tables, stream, columns})
      expect(await warehouse.createView('seen', select)).to.equal(false)
      expect(await query(settings.path, 'SELECT id FROM seen ORDER BY id')).to.deep.equal([{id: 'a'}, {id: 'b'}])
      expect(await query(settings.path, `SELECT count(*)::INT AS n FROM main."${rawObjects}"`)).to.deep.equal([{n: 2}])
    })
})
