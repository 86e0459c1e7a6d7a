import {join} from 'node:path'

import {expect} from 'chai'

import {Spool} from '../../../src/sink/spool.ts'
import type {ChangedRow} from '../../../src/warehouse/comparison.ts'
import {DuckDBComparison} from '../../../src/warehouse/duckdb/comparison.ts'
import {DELIMITED_LINES} from '../../../src/warehouse/record-lines.ts'
import {change} from '../../support/database.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {databaseIn, LOCK_TIMEOUT, PRODUCTION, scriptedRun} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
/** They are read in several pieces. */
const ROWS_BETWEEN = 300_000
/** Every key is at another place afterwards. */
const TURNED_ROUND = [
  'CREATE TABLE turned AS FROM raw_objects ORDER BY rowid DESC',
  'DROP TABLE raw_objects',
  'ALTER TABLE turned RENAME TO raw_objects',
  ...['idem_key', 'source_system', 'object_type', 'payload', 'first_seen', 'last_seen'].map(
    (name) => `ALTER TABLE raw_objects ALTER ${name} SET NOT NULL`,
  ),
]

describe('a diff of a DuckDB file that others write to all the time', () => {
  const folder = folderForEachTest()

  beforeEach(async () => {
    await scriptedRun({source: yielding({id: 'first', n: 1}), folder: folder(), now: DAY})
    await change(
      databaseIn(folder()),
      `INSERT INTO raw_objects
       SELECT raw_objects.* REPLACE ('other:' || range AS idem_key, 'other' AS source_system)
       FROM raw_objects, range(${ROWS_BETWEEN})`,
    )
    await scriptedRun({source: yielding({id: 'last', n: 1}), folder: folder(), now: 2 * DAY})
  })

  /** Compares a changed row, one that is the same, and a new one, and writes whenever the file can be written to. */
  async function compareWhile(write: () => Promise<unknown>, mostLookedUpInPieces = 3) {
    let writes = 0
    const spool = await Spool.create(join(folder(), 'spool', 'compared'), DELIMITED_LINES)
    for (const [id, n] of Object.entries({first: 2, last: 1, new: 1})) {
      const json = Buffer.from(JSON.stringify({id, n}))
      await spool.addRecord({idemKey: `thing:scripted--acct1:${id}`, externalId: id, ...stream, json})
    }
    await spool.endSlice()
    const comparison = await DuckDBComparison.open({
      streams: {
        tables: PRODUCTION,
        streams: [stream],
        begunAt: new Date(3 * DAY),
        runId: 'run',
        isWritten: false,
        folder: spool.folder,
      },
      database: {path: databaseIn(folder()), temporaryFolder: spool.folder, lockTimeout: LOCK_TIMEOUT},
      signal: new AbortController().signal,
      timeouts: {timeout: LOCK_TIMEOUT},
      longestHold: 0,
      mostLookedUpInPieces,
      async release() {
        writes += 1
        await write()
      },
    })
    const changed: ChangedRow[] = []
    const isChanged = (row: ChangedRow): boolean => changed.push(row) > 0
    const compared = await comparison.compare(await spool.batch(new Date(3 * DAY)), {isChanged, insertedSamples: 0})
    await comparison.close()
    await spool.remove()
    return {writes, changed, counts: compared.counts.get('thing'), moved: comparison.moved}
  }

  it('finds the same where there are too many keys to look them up in pieces', async () => {
    for (const mostLookedUpInPieces of [3, 2]) {
      const {counts, changed, moved} = await compareWhile(() => Promise.resolve(), mostLookedUpInPieces)
      expect(counts).to.deep.equal({insert: 1, update: 1, unchanged: 1, newer: 0, duplicate: 0})
      expect(changed.map(({stored}) => stored)).to.deep.equal(['{"id":"first","n":1}'])
      expect(moved).to.equal(undefined)
    }
  })

  it('lets them write after each piece to its end, and is right about rows that stayed', async () => {
    const sql = `UPDATE raw_objects SET payload = '{}' WHERE idem_key = 'other:7'`
    const {writes, counts, moved} = await compareWhile(() => change(databaseIn(folder()), sql))
    expect(writes).to.be.at.least(4)
    expect(counts).to.deep.equal({insert: 1, update: 1, unchanged: 1, newer: 0, duplicate: 0})
    expect(moved).to.deep.equal({runId: undefined})
  })

  it('says which run wrote where it could not be read in one piece, also where that was one of other streams', async () => {
    const runs: string[] = []
    const {counts, moved} = await compareWhile(async () => {
      const source = yielding({id: 'x'})
      runs.push((await scriptedRun({source, account: 'acct2', folder: folder(), now: 3 * DAY})).runId)
    })
    expect(counts).to.deep.equal({insert: 1, update: 1, unchanged: 1, newer: 0, duplicate: 0})
    expect(runs).to.include(moved?.runId)
  })

  it('takes no row for another one, and none twice, where they move', async () => {
    const {changed, counts, moved} = await compareWhile(() => change(databaseIn(folder()), ...TURNED_ROUND))
    for (const {idemKey, stored} of changed) expect(JSON.parse(stored)).to.include({id: idemKey.split(':')[2]})
    const {insert = 0, update = 0, unchanged = 0} = counts ?? {}
    expect(insert + update + unchanged).to.equal(3)
    expect(moved).to.deep.equal({runId: undefined})
  })
})
