import {expect} from 'chai'

import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeReplay} from '../../support/replay-contract.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {yielding} from '../../support/warehouse-contract.ts'

interface Sent {
  readonly configuration?: {readonly dryRun?: boolean; readonly query?: {readonly query: string}}
}

describe('a replay of a table in BigQuery', () => {
  const suite = faultyBigQueryForEachTest()
  describeReplay(() => suite.underTest, {rows: 2500})

  it('is priced before it runs, and takes a sample of blocks', async () => {
    await suite.underTest.run({source: yielding({id: 'a'})})
    const told: string[] = []
    suite.service.faults = ({method, path, body}) => {
      if (method !== 'POST' || path !== '/jobs') return undefined
      const {configuration} = JSON.parse(body) as Sent
      told.push(configuration?.dryRun === true ? 'looked at' : (configuration?.query?.query ?? ''))
      return configuration?.dryRun === true
        ? {status: 200, body: {statistics: {totalBytesProcessed: '123456789'}}}
        : undefined
    }
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
    const priced = (bytes: number): void => void told.push(String(bytes))
    const read = suite.underTest.open().readPayloads(PRODUCTION, {stream, samplePercent: 2.5, priced})
    for await (const page of read) expect(page.length).to.be.at.most(1)
    expect(told.slice(0, 2)).to.deep.equal(['looked at', '123456789'])
    expect(told[2]).to.include('TABLESAMPLE SYSTEM (2.5 PERCENT)')
  })
})
