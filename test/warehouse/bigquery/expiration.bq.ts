import {expect} from 'chai'

import {outcomeOf, type LorchestraError} from '../../../src/base/errors.ts'
import {call, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {WholeDefinitions} from '../../support/bigquery/stub/rules.ts'
import {startStub, type Stub} from '../../support/bigquery/stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const KEY = 'projects/p/locations/us/keyRings/r/cryptoKeys/k'

interface Described {
  readonly expirationTime?: string
  readonly timePartitioning?: {readonly expirationMs?: string}
}

describe('what a dataset gives to new tables in BigQuery, by a stub that gives it', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let stub: Stub
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    stub = await startStub(emulator.url, [new WholeDefinitions()])
  })
  after(async () => {
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator: {...emulator, url: stub.url}, folder: folder()})
  })

  const path = (table = ''): string => `/datasets/${underTest.dataset}${table === '' ? '' : `/tables/${table}`}`
  const give = async (defaults: object): Promise<unknown> => call(stub.url, 'PATCH', path(), defaults)
  const change = async (table: string, more: object): Promise<unknown> => call(stub.url, 'PATCH', path(table), more)
  const described = async (table: string): Promise<Described> => (await call(stub.url, 'GET', path(table))) as Described
  const thrownBy = async (work: Promise<unknown>): Promise<LorchestraError> => {
    const error = await work.then(
      (report) => (report as {error?: unknown} | undefined)?.error,
      (reason: unknown) => reason,
    )
    return error as LorchestraError
  }
  const run = async (mode: 'production' | 'test-table' | 'dry-run') =>
    underTest.run({source: yielding({id: 'a'}), now: DAY, mode})

  it('is no end of production’s tables, which `warehouse create` makes without one, whatever the default is', async () => {
    await give({defaultTableExpirationMs: '3600000'})
    expect(await underTest.open().createTables(PRODUCTION)).to.deep.equal(['event_log', 'raw_objects'])
    for (const table of ['event_log', 'raw_objects'])
      expect(await described(table)).to.not.have.property('expirationTime')
    expect((await run('production')).error).to.equal(undefined)
  })

  it('is no end of their partitions: no table is made where the dataset would give one', async () => {
    await give({defaultPartitionExpirationMs: '5184000000'})
    const error = await thrownBy(underTest.open().createTables(PRODUCTION))
    expect([outcomeOf(error), error.code]).to.deep.equal(['usage', 'E_TABLE_EXPIRES'])
    expect(error.message).to.include('remove the partitions of new tables after 60 days')
    expect(error.next).to.include('--default_partition_expiration 0')
    expect(await underTest.tables()).to.deep.equal([])
  })

  for (const [table, end, says, helps] of [
    ['raw_objects', {expirationTime: String(Date.UTC(2030, 0, 1))}, 'raw_objects at 2030-01-01', '--expiration 0'],
    ['event_log', {expirationTime: String(Date.UTC(2030, 0, 1))}, 'event_log at 2030-01-01', '--expiration 0'],
    [
      'event_log',
      {timePartitioning: {type: 'DAY', field: 'created_at', expirationMs: '864000000'}},
      'partitions of the table event_log after 10 days',
      '--time_partitioning_expiration 0',
    ],
  ] as const) {
    it(`is seen where production has it, before anything is written: ${says}`, async () => {
      await underTest.open().createTables(PRODUCTION)
      await change(table, end)
      const error = await thrownBy(run('production'))
      expect([outcomeOf(error), error.code, error.message.includes(says), error.next?.includes(helps)]).to.deep.equal([
        'usage',
        'E_TABLE_EXPIRES',
        true,
        true,
      ])
      expect((await thrownBy(underTest.open().checkWritable(PRODUCTION))).code).to.equal('E_TABLE_EXPIRES')
      expect((await thrownBy(underTest.open().createTables(PRODUCTION))).code).to.equal('E_TABLE_EXPIRES')
      expect(await underTest.logged()).to.deep.equal([])
      expect((await run('dry-run')).error).to.equal(undefined)
    })
  }

  it('does not keep a test table from being a copy where it can be said otherwise', async () => {
    await underTest.open().createTables(PRODUCTION)
    await give({defaultCollation: 'und:ci', defaultTableExpirationMs: '3600000'})
    expect((await run('test-table')).error).to.equal(undefined)
  })

  for (const [what, defaults, difference] of [
    ['a key', {defaultEncryptionConfiguration: {kmsKeyName: KEY}}, 'encryptionConfiguration is'],
    ['an end of partitions', {defaultPartitionExpirationMs: '5184000000'}, 'timePartitioning is'],
  ] as const) {
    it(`is named where no test table can be a copy because of it, and none is left behind: ${what}`, async () => {
      await underTest.open().createTables(PRODUCTION)
      await give(defaults)
      for (let time = 0; time < 2; time += 1) {
        const error = await thrownBy(run('test-table'))
        expect([outcomeOf(error), error.code]).to.deep.equal(['usage', 'E_TABLE_INCOMPATIBLE'])
        expect(error.message).to.include('the dataset gives new tables defaults').and.include(difference)
        expect(error.next).to.not.include('bq rm')
      }
      await give({defaultEncryptionConfiguration: null, defaultPartitionExpirationMs: null})
      expect((await run('test-table')).error).to.equal(undefined)
    })
  }

  it('makes no keys one that differ in case: such a table is refused', async () => {
    await underTest.open().createTables(PRODUCTION)
    const {schema} = (await call(stub.url, 'GET', path('raw_objects'))) as {schema: {fields: {name: string}[]}}
    const fields = schema.fields.map((field) => (field.name === 'idem_key' ? {...field, collation: 'und:ci'} : field))
    await change('raw_objects', {schema: {fields}})
    const error = await thrownBy(run('production'))
    expect(error.message).to.include('column idem_key must not have the collation und:ci')
  })
  it('is an end of the log’s old events where `warehouse create` was told so, and of nothing else', async () => {
    const create = async (days: number) => underTest.open().createTables(PRODUCTION, {logRetention: days * DAY})
    const short = await thrownBy(create(30))
    expect([outcomeOf(short), short.code]).to.deep.equal(['usage', 'E_USAGE_FLAGS'])
    await give({defaultPartitionExpirationMs: '5184000000'})
    expect(await create(400)).to.deep.equal(['event_log', 'raw_objects'])
    const ends = async () => (await described('event_log')).timePartitioning?.expirationMs
    expect(await ends()).to.equal(String(400 * DAY))
    await give({defaultPartitionExpirationMs: null})
    expect(await create(500)).to.deep.equal([])
    expect(await ends()).to.equal(String(500 * DAY))
    const {tables} = await underTest.open().describe(PRODUCTION)
    expect(tables.map(({retention}) => retention)).to.deep.equal([500 * DAY, undefined])
    expect((await run('production')).error).to.equal(undefined)
    const timePartitioning = {type: 'DAY', field: 'created_at', expirationMs: String(91 * DAY)}
    await change('event_log', {timePartitioning})
    const byHand = await thrownBy(run('production'))
    expect([byHand.code, byHand.next]).to.satisfy(
      ([code, next]: string[]) => code === 'E_TABLE_EXPIRES' && next?.includes('--log-retention') === true,
    )
  })

  it('is not given to a log of which old events alone tell what a job has read, until a run has carried it on', async () => {
    await underTest.open().createTables(PRODUCTION)
    const now = Date.now()
    await underTest.run({source: yielding({id: 'a'}), now: now - 500 * DAY})
    await underTest.run({source: yielding({id: 'a'}), now: now - DAY})
    const create = async () => underTest.open().createTables(PRODUCTION, {logRetention: 400 * DAY})
    await underTest.query(`DELETE FROM {event_log} WHERE event_type = 'state.carried'`)
    const error = await thrownBy(create())
    expect([outcomeOf(error), error.code]).to.deep.equal(['usage', 'E_LOG_NEEDED'])
    expect(error.message).to.include('these jobs have read, and nothing else does: job')
    await underTest.run({source: yielding({id: 'a'}), now})
    expect(await create()).to.deep.equal([])
  })
})
