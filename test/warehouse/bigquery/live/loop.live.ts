import {expect} from 'chai'

import {liveDatasetForEachTest} from '../../../support/bigquery/live/for-each-test.ts'
import {liveService} from '../../../support/bigquery/live/service.ts'
import type {BigQueryUnderTest} from '../../../support/bigquery/under-test.ts'
import {describeDiff} from '../../../support/diff-contract.ts'
import {describePlans} from '../../../support/plan-contract.ts'
import {describePromotion} from '../../../support/promotion-contract.ts'
import {describeRevocation} from '../../../support/revocation-contract.ts'
import {describeSeed} from '../../../support/seed-contract.ts'
import {describeUndo} from '../../../support/undo-contract.ts'
import {DAY, yielding} from '../../../support/warehouse-contract.ts'

/** An emulator looks at a table after single statements, and not after transactions. */
const remembering = (underTest: () => BigQueryUnderTest) => async (): Promise<void> => {
  await underTest().query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
}

describe('a diff with BigQuery', () => {
  const suite = liveDatasetForEachTest()
  describeDiff(() => suite.underTest)
})

describe('promotion with BigQuery', () => {
  const suite = liveDatasetForEachTest()
  describePromotion(() => suite.underTest)
})

describe('seeding with BigQuery', () => {
  const suite = liveDatasetForEachTest()
  describeSeed(() => suite.underTest, {remember: remembering(() => suite.underTest)})
})

describe('plans with BigQuery', () => {
  const suite = liveDatasetForEachTest()
  describePlans(() => suite.underTest, {steps: 1, remember: remembering(() => suite.underTest)})
})

describe('undo with BigQuery', () => {
  const suite = liveDatasetForEachTest()
  describeRevocation(() => suite.underTest)
  describeUndo(() => suite.underTest, {sequences: 1, runsInEach: 3, remember: remembering(() => suite.underTest)})
})

describe('a day of use with BigQuery', () => {
  // Of the hour in which it runs, in a dataset whose tables end tomorrow unless they are told otherwise.
  const suite = liveDatasetForEachTest({defaultTableExpirationMs: String(DAY)})

  it('stores, tells again, foretells and changes records of today, in tables without an end', async () => {
    const {underTest} = suite
    const began = Date.now()
    for (const table of ['event_log', 'raw_objects']) {
      const described = await liveService().call('GET', `/datasets/${underTest.dataset}/tables/${table}`)
      expect((described as {expirationTime?: string}).expirationTime, table).to.equal(undefined)
    }
    const first = await underTest.run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1})})
    expect([first.error, first.counts.inserted]).to.deep.equal([undefined, 2])
    const run = {source: yielding({id: 'a', n: 1}, {id: 'b', n: 2}, {id: 'c', n: 1}), request: {full: true}}
    const {diff} = await underTest.run({...run, mode: 'dry-run', diffSamples: 3})
    expect(diff?.counts).to.include({insert: 1, update: 1, unchanged: 1})
    const test = await underTest.run({...run, mode: 'test-table'})
    expect([test.error, test.counts.inserted]).to.deep.equal([undefined, 3])
    const second = await underTest.run(run)
    expect(second.error).to.equal(undefined)
    expect(second.counts).to.include({inserted: 1, updated: 1, unchanged: 1})
    const rows = await underTest.stored()
    expect(rows.map(({payload}) => (payload as {n: number}).n)).to.deep.equal([1, 2, 1])
    for (const {lastSeen} of rows) expect(lastSeen).to.be.within(began - 1000, Date.now())
    const [{covered} = {covered: []}] = (
      await underTest.open().describe({eventLog: 'event_log', rawObjects: 'raw_objects'})
    ).streams
    expect(covered.at(-1)?.until).to.be.within(began - DAY, Date.now())
    expect(
      await underTest.query("SELECT event_id FROM {event_log} WHERE created_at < TIMESTAMP '2000-01-01'"),
    ).to.deep.equal([])
  })
})
