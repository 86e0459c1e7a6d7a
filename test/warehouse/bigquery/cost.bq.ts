import {expect} from 'chai'

import type {LorchestraError} from '../../../src/base/errors.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {startFaultyService, type FaultyService} from '../../support/bigquery/faulty-service.ts'
import {Billing} from '../../support/bigquery/stub/billing.ts'
import {startStub, type Stub} from '../../support/bigquery/stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

describe('what a run costs in BigQuery, by a stub that bills', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let billing: Billing
  let stub: Stub
  let service: FaultyService
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    billing = new Billing(emulator.url)
    stub = await startStub(emulator.url, [billing])
    service = await startFaultyService(stub.url)
  })
  after(async () => {
    await service.close()
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder(), endpoint: service.url, touchAfter: 7 * DAY})
    await underTest.createProduction()
    billing.bills.splice(0)
    service.forget()
  })
  const full = {full: true}
  const updates = (): number => service.seen.filter(({body}) => /MERGE INTO `[^`]+raw_objects`/.test(body)).length

  it('is told to the byte, in all, and for each commit in its event', async () => {
    const {bytesBilled, error} = await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const bills = billing.bills.map(({bytes}) => bytes)
    const total = bills.reduce((sum, bytes) => sum + bytes, 0)
    expect([error, bytesBilled]).to.deep.equal([undefined, total])
    const commit = billing.bills.findIndex(({sql}) => sql.includes('BEGIN TRANSACTION'))
    const before = bills.slice(0, commit).reduce((sum, bytes) => sum + bytes, 0)
    const events = await underTest.logged()
    const toldBy = (type: string) => events.find((event) => event.type === type)?.payload?.['bytes_billed']
    expect(before).to.be.greaterThan(0)
    expect([toldBy('ingestion.completed'), toldBy('job.completed')]).to.deep.equal([before, before])
  })

  it('moves last_seen of an unchanged row only where it lags by touch_after', async () => {
    await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const soon = await underTest.run({source: yielding({id: 'a'}), now: 7 * DAY, request: full})
    expect([soon.error, soon.counts.unchanged, updates()]).to.deep.equal([undefined, 1, 0])
    expect((await underTest.stored()).map(({lastSeen}) => lastSeen)).to.deep.equal([DAY])
    const later = await underTest.run({source: yielding({id: 'a'}), now: 8 * DAY, request: full})
    expect([later.error, later.counts.unchanged, updates()]).to.deep.equal([undefined, 1, 1])
    expect((await underTest.stored()).map(({lastSeen}) => lastSeen)).to.deep.equal([8 * DAY])
  })

  it('is that of the rows that change, not of the ones beside them', async () => {
    const unchanged = Array.from({length: 20}, (_, index) => ({id: `row ${index}`}))
    await underTest.run({source: yielding({id: 'a', n: 1}, ...unchanged), now: DAY})
    const {counts} = await underTest.run({
      source: yielding({id: 'a', n: 2}, ...unchanged, {id: 'new'}),
      now: 2 * DAY,
      request: full,
    })
    expect(counts).to.include({inserted: 1, updated: 1, unchanged: 20})
    const rows = await underTest.stored()
    expect(rows.filter(({lastSeen}) => lastSeen === 2 * DAY).map(({key}) => key.slice(22))).to.have.members([
      'a',
      'new',
    ])
    const commit = service.seen.findLast(({body}) => body.includes('BEGIN TRANSACTION'))?.body ?? ''
    expect(commit).to.match(/MERGE INTO [^;]* IN \(\\"thing:scripted--acct1:a\\"\)/)
    expect(commit).to.not.include('WHEN NOT MATCHED')
  })

  it('stays below max_bytes_billed in all, whatever each statement bills, and keeps the commits that it paid for', async () => {
    const MB = 1024 * 1024
    const {signal} = new AbortController()
    const below = (bytes: number) => () =>
      new BigQueryWarehouse({...underTest.connection, maxBytesBilled: String(bytes)}, signal)
    const days = [0, 1, 2]
    const source = scriptedSource(() => days.map((day) => ({id: `d${day}`, at: day * DAY})), {
      defaults: {slice: '1d', earliest: new Date(0).toISOString()},
    })
    const commitAfter = {records: 1, milliseconds: 1e9}
    const ceiling = 200 * MB
    const {error, bytesBilled} = await underTest.run({source, now: 3 * DAY, commitAfter, warehouse: below(ceiling)})
    expect((error as LorchestraError).code).to.equal('E_WAREHOUSE_REFUSED')
    expect((error as LorchestraError).next).to.include('max_bytes_billed')
    // What tells of the end is beyond it.
    expect(bytesBilled).to.be.within(ceiling / 2, ceiling * 1.3)
    expect((await underTest.stored()).length).to.be.within(1, 2)
    expect((await underTest.logged()).map(({type}) => type)).to.include('job.failed')
    expect((await underTest.tables()).filter((name) => name.startsWith('lorchestra_lease_'))).to.deep.equal([])
  })
})
