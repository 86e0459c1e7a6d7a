import {expect} from 'chai'

import {dedupeTables} from '../../../src/run/dedupe-tables.ts'
import type {SurplusRows} from '../../../src/warehouse/surplus-rows.ts'
import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeDedupe, type RowByHand} from '../../support/dedupe-contract.ts'
import {withRunMode} from '../../support/run-mode.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const COLUMNS = 'idem_key, source_system, object_type, external_id, payload, first_seen, last_seen'

describe('removing surplus rows with BigQuery', () => {
  const suite = bigQueryForEachTest()
  const put = async (table: string, rows: readonly RowByHand[]): Promise<void> => {
    const {underTest} = suite
    if (!(await underTest.tables()).includes('raw_objects')) await underTest.createProduction()
    if (table !== 'raw_objects') await underTest.run({source: yielding(), now: DAY, mode: 'test-table'})
    const values = rows.map(
      ({key, sourceSystem, n, firstSeen, lastSeen}) =>
        `('${key}', '${sourceSystem}', 'thing', NULL, JSON '{"n":${n}}', TIMESTAMP_MILLIS(${firstSeen}), TIMESTAMP_MILLIS(${lastSeen}))`,
    )
    await underTest.query(`INSERT INTO {${table}} (${COLUMNS}) VALUES ${values.join(', ')}`)
  }

  describeDedupe(() => suite.underTest, put)

  it('tells what looking reads, and what removing would, before it does', async () => {
    const row = {key: 'thing:scripted--acct1:a', sourceSystem: 'scripted--acct1', n: 1, firstSeen: DAY, lastSeen: DAY}
    await put('raw_objects', [row, row])
    const told: (number | SurplusRows['bytes'])[] = []
    await withRunMode('dry-run', async () =>
      dedupeTables({
        warehouse: suite.underTest.open(),
        production: PRODUCTION,
        mode: 'dry-run',
        maskSecrets: (text) => text,
        priced: (bytes) => told.push(bytes),
        found: ({bytes}) => told.push(bytes),
      }),
    )
    expect(told.map((bytes) => typeof bytes)).to.deep.equal(['number', 'number'])
  })
})
