import {expect} from 'chai'

import {dedupeTables} from '../../../src/run/dedupe-tables.ts'
import {change, query} from '../../support/database.ts'
import {describeDedupe} from '../../support/dedupe-contract.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {withRunMode} from '../../support/run-mode.ts'
import {databaseIn, PRODUCTION} from '../../support/scripted-run.ts'

describe('removing surplus rows with DuckDB', () => {
  const folder = folderForEachTest()
  /** As another tool makes it: without a primary key. */
  const makeTable = async (table: string): Promise<void> =>
    change(
      databaseIn(folder()),
      `CREATE TABLE ${table} (idem_key VARCHAR NOT NULL, source_system VARCHAR NOT NULL, object_type VARCHAR NOT NULL, external_id VARCHAR,
         payload JSON NOT NULL, first_seen TIMESTAMPTZ NOT NULL, last_seen TIMESTAMPTZ NOT NULL, note VARCHAR)`,
    )

  describeDedupe(
    () => duckDBUnderTest(folder()),
    async (table, rows) => {
      await makeTable(table)
      const at = (milliseconds: number): string => `make_timestamptz(${milliseconds * 1000})`
      const values = rows.map(
        ({key, sourceSystem, n, firstSeen, lastSeen}) =>
          `('${key}', '${sourceSystem}', 'thing', NULL, '{"n":${n}}', ${at(firstSeen)}, ${at(lastSeen)}, NULL)`,
      )
      await change(databaseIn(folder()), `INSERT INTO ${table} VALUES ${values.join(', ')}`)
    },
  )

  it('leaves columns as they are that somebody else has added', async () => {
    await makeTable('raw_objects')
    const row = (note: string): string =>
      `('thing:scripted--acct1:a', 'scripted--acct1', 'thing', 'a', '{}', '2020-01-01', '2020-01-01', '${note}')`
    await change(databaseIn(folder()), `INSERT INTO raw_objects VALUES ${row('mine')}, ${row('mine')}`)
    await withRunMode('production', async () =>
      dedupeTables({
        warehouse: duckDBUnderTest(folder()).open(),
        production: PRODUCTION,
        mode: 'production',
        maskSecrets: (text) => text,
        priced: () => {},
        found: () => {},
      }),
    )
    expect(await query(databaseIn(folder()), 'SELECT note FROM raw_objects')).to.deep.equal([{note: 'mine'}])
  })
})
