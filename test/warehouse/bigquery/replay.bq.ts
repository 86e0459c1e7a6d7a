import {expect} from 'chai'

import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {startFaultyService, type FaultyService} from '../../support/bigquery/faulty-service.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeReplay} from '../../support/replay-contract.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {yielding} from '../../support/warehouse-contract.ts'

interface Sent {
  readonly configuration?: {readonly dryRun?: boolean; readonly query?: {readonly query: string}}
}

describe('a replay of a table in BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let service: FaultyService
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    service = await startFaultyService(emulator.url)
  })
  after(async () => {
    await service.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    service.faults = () => undefined
    underTest = await bigQueryUnderTest({emulator, folder: folder(), endpoint: service.url})
    await underTest.createProduction()
  })
  describeReplay(() => underTest, {rows: 2500})

  it('is priced before it runs, and takes a sample of blocks', async () => {
    await underTest.run({source: yielding({id: 'a'})})
    const told: string[] = []
    service.faults = ({method, path, body}) => {
      if (method !== 'POST' || path !== '/jobs') return undefined
      const {configuration} = JSON.parse(body) as Sent
      told.push(configuration?.dryRun === true ? 'looked at' : (configuration?.query?.query ?? ''))
      return configuration?.dryRun === true
        ? {status: 200, body: {statistics: {totalBytesProcessed: '123456789'}}}
        : undefined
    }
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
    const priced = (bytes: number): void => void told.push(String(bytes))
    const read = underTest.open().readPayloads(PRODUCTION, {stream, samplePercent: 2.5, priced})
    for await (const page of read) expect(page.length).to.be.at.most(1)
    expect(told.slice(0, 2)).to.deep.equal(['looked at', '123456789'])
    expect(told[2]).to.include('TABLESAMPLE SYSTEM (2.5 PERCENT)')
  })
})
