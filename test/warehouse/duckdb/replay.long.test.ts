import {expect} from 'chai'

import {readPayloads} from '../../../src/warehouse/duckdb/payloads.ts'
import {change, query} from '../../support/database.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeReplay} from '../../support/replay-contract.ts'
import {databaseIn, LOCK_TIMEOUT, PRODUCTION} from '../../support/scripted-run.ts'
import {yielding} from '../../support/warehouse-contract.ts'

const STREAM = {sourceSystem: 'scripted--acct1', objectType: 'thing'}

describe('a replay of a DuckDB file', () => {
  const folder = folderForEachTest()
  describeReplay(() => duckDBUnderTest(folder()), {rows: 40_000, sampledRows: 4000})

  it('lets others write meanwhile, and gives all rows once more where they did', async () => {
    await duckDBUnderTest(folder()).run({source: yielding({id: 'first'})})
    const database = databaseIn(folder())
    // As many as take three turns.
    const fill = `INSERT INTO raw_objects BY NAME SELECT stored.* REPLACE ('thing:scripted--acct1:' || n AS idem_key,
      '{"id":"' || n || '"}' AS payload) FROM raw_objects AS stored, range(40000) AS numbers(n)`
    await change(database, fill)
    const payloads = new Map<string, string>()
    let pages = 0
    const place = {
      database: {path: database, temporaryFolder: folder(), lockTimeout: LOCK_TIMEOUT},
      tables: PRODUCTION,
      signal: new AbortController().signal,
      longestHold: 0,
    }
    for await (const page of readPayloads(place, {stream: STREAM})) {
      for (const {idemKey, payload} of page) payloads.set(idemKey, payload)
      pages += 1
      // As a run does that changes rows: they get other row ids.
      if (pages === 1)
        await change(
          database,
          `UPDATE raw_objects SET payload = '{"id":"changed"}' WHERE idem_key = 'thing:scripted--acct1:7'`,
          `DELETE FROM raw_objects WHERE idem_key = 'thing:scripted--acct1:8'`,
        )
    }
    expect(payloads.get('thing:scripted--acct1:7')).to.equal('{"id":"changed"}')
    const [stored] = await query(database, 'SELECT count(*)::INTEGER AS row_count FROM raw_objects')
    // The deleted one was given before.
    expect(payloads.size).to.equal(Number(stored?.['row_count']) + 1)
  })
})
