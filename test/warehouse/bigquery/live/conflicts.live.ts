import {expect} from 'chai'

import {liveDatasetForEachTest} from '../../../support/bigquery/live/for-each-test.ts'
import {DAY} from '../../../support/warehouse-contract.ts'

describe('runs of BigQuery beside others', () => {
  const suite = liveDatasetForEachTest()

  it('that change rows of one table, each of its own stream, in processes of their own, all come through and lose nothing', async () => {
    const accounts = ['acct1', 'acct2', 'acct3', 'acct4']
    const ids = Array.from({length: 50}, (_, index) => `r${index}`)
    const runs = (day: number) =>
      accounts.map((account) => ({
        records: ids.map((id) => ({id: `${account}-${id}`, day})),
        now: day * DAY,
        runId: `${account}-${day}`,
        account,
        request: {full: true},
      }))
    await suite.underTest.runApart(runs(1))
    const changed = await suite.underTest.runApart(runs(2))
    expect(changed.map(({message, counts}) => [message, counts?.updated])).to.deep.equal(
      accounts.map(() => ['', ids.length]),
    )
    const rows = await suite.underTest.stored()
    expect(rows).to.have.length(accounts.length * ids.length)
    expect(new Set(rows.map(({payload}) => (payload as {day: number}).day))).to.deep.equal(new Set([2]))
    expect(await suite.underTest.open().countSurplusRows({eventLog: 'event_log', rawObjects: 'raw_objects'})).to.equal(
      0,
    )
  })
})
