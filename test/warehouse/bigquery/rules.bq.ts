import {expect} from 'chai'

import type {LorchestraError} from '../../../src/base/errors.ts'
import {createEvent} from '../../../src/model/events.ts'
import {definitionsOf} from '../../../src/model/tables.ts'
import {builtInMetadata} from '../../../src/warehouse/bigquery/table-metadata.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import {call, PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {once, startFaultyService, type FaultyService, type SeenRequest} from '../../support/bigquery/faulty-service.ts'
import {Billing} from '../../support/bigquery/stub/billing.ts'
import {JobsRule} from '../../support/bigquery/stub/jobs.ts'
import {
  MetadataUpdates,
  OneSourceRowPerMatch,
  StreamingBuffer,
  WholeDefinitions,
} from '../../support/bigquery/stub/rules.ts'
import {startStub, type Stub} from '../../support/bigquery/stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {PRODUCTION, TEST} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const isUpload = ({path}: SeenRequest): boolean => path === '/upload/jobs'
const MB = 1024 * 1024
/** What the service says of one table that is not part of its definition. */
const OF_ONE_TABLE = /^(id|etag|tableReference|creationTime|expirationTime|lastModifiedTime|num\w+)$/

interface Job {
  readonly jobReference: {readonly jobId: string}
  readonly status: {readonly state: string; readonly errorResult?: {readonly reason: string; readonly message: string}}
  readonly statistics?: {readonly query?: {readonly totalBytesBilled?: string}}
}

describe('rules of BigQuery that the emulator lacks, by a stub in front of it', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let billing: Billing
  let stub: Stub
  let service: FaultyService
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    billing = new Billing(emulator.url)
    stub = await startStub(emulator.url, [
      new MetadataUpdates(),
      new JobsRule(),
      new StreamingBuffer(),
      new OneSourceRowPerMatch(emulator.url),
      billing,
      new WholeDefinitions(),
    ])
    service = await startFaultyService(stub.url)
  })
  after(async () => {
    await service.close()
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({
      emulator: {...emulator, url: stub.url},
      folder: folder(),
      endpoint: service.url,
    })
    await underTest.createProduction()
    service.faults = () => undefined
    service.forget()
    billing.bills.splice(0)
  })

  const run = async (...args: Parameters<BigQueryUnderTest['run']>) =>
    underTest.run(...args).catch((error: unknown) => ({error, counts: undefined}))
  const full = {full: true}
  let jobs = 0
  const statement = async (sql: string, more: object = {}): Promise<Job> => {
    jobs += 1
    const jobReference = {projectId: PROJECT, jobId: `by-hand-${jobs}`, location: 'US'}
    const query = {query: sql.replaceAll(/\{(\w+)\}/g, `\`${PROJECT}.${underTest.dataset}.$1\``), ...more}
    return ended((await call(stub.url, 'POST', '/jobs', {jobReference, configuration: {query}})) as Job)
  }
  const ended = async (job: Job): Promise<Job> => {
    let now = job
    while (now.status.state !== 'DONE') now = (await call(stub.url, 'GET', `/jobs/${job.jobReference.jobId}`)) as Job
    return now
  }
  const table = (tableId: string) => ({projectId: PROJECT, datasetId: underTest.dataset, tableId})

  describe('a job id is taken once', () => {
    it('and the second job of that id is refused with 409', async () => {
      const job = {
        jobReference: {projectId: PROJECT, jobId: 'taken', location: 'US'},
        configuration: {query: {query: 'SELECT 1'}},
      }
      await call(stub.url, 'POST', '/jobs', job)
      const error = await call(stub.url, 'POST', '/jobs', job).catch((reason: unknown) => reason)
      expect(String(error)).to.include('409').and.include('duplicate')
    })

    it('so a load whose acceptance got lost is found again by its id, and loaded once', async () => {
      service.faults = once(isUpload, 'reset after')
      const {error, counts} = await run({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
      expect([error, counts?.inserted]).to.deep.equal([undefined, 2])
      const loads = service.seen.filter(isUpload)
      expect(loads).to.have.length(1)
      const lookedFor = service.seen.filter(({method, path}) => method === 'GET' && path.startsWith('/jobs/load-'))
      expect(lookedFor.length).to.be.greaterThan(0)
    })

    it('so a commit whose acceptance got lost is found again by its id, and made once', async () => {
      await run({source: yielding({id: 'a', n: 1}), now: DAY})
      service.forget()
      const isCommit = ({body}: SeenRequest): boolean => body.includes('BEGIN TRANSACTION')
      service.faults = once(isCommit, 'reset after')
      const {error, counts} = await run({source: yielding({id: 'a', n: 2}), now: 2 * DAY, request: full})
      expect([error, counts?.updated]).to.deep.equal([undefined, 1])
      const writesRows = ({sql}: {sql: string}): boolean => /BEGIN TRANSACTION[^]*raw_objects/.test(sql)
      expect(billing.bills.filter(writesRows)).to.have.length(2)
      expect((await underTest.logged()).filter(({type}) => type === 'ingestion.completed')).to.have.length(2)
    })
  })

  describe('a MERGE matches a row once', () => {
    const merge =
      'MERGE INTO {raw_objects} AS stored USING {fresh} AS fresh ON stored.idem_key = fresh.idem_key WHEN MATCHED THEN UPDATE SET external_id = fresh.external_id'

    it('or fails', async () => {
      await run({source: yielding({id: 'a'}), now: DAY})
      await underTest.query(
        `CREATE TABLE {fresh} AS SELECT idem_key, external_id FROM {raw_objects} UNION ALL SELECT idem_key, 'other' FROM {raw_objects}`,
      )
      const {status} = await statement(merge)
      expect(status.errorResult?.message).to.include('at most one source row')
    })

    it('so the last of several records of a key is sorted out before, also across files', async () => {
      const pages = ['first', 'second', 'third'].map((text) => [{id: 'a', text}, {id: text}])
      const source = scriptedSource(() => [], {
        async *extract() {
          for (const records of pages) yield await Promise.resolve({records})
        },
      })
      await run({source, now: DAY})
      const {error, counts} = await run({source, now: 2 * DAY, request: full})
      expect(error).to.equal(undefined)
      expect(counts).to.include({unchanged: 4, duplicates: 2})
    })
  })

  describe('rows that another tool streamed cannot be changed for a while', () => {
    const stream = async (): Promise<void> => {
      const [row] = (await underTest.query(
        `SELECT idem_key, source_system, object_type, external_id FROM {raw_objects}`,
      )) as [object]
      const json = {
        ...row,
        idem_key: 'thing:other:streamed',
        payload: '{}',
        first_seen: '2024-01-01',
        last_seen: '2024-01-01',
      }
      await call(stub.url, 'POST', `/datasets/${underTest.dataset}/tables/raw_objects/insertAll`, {rows: [{json}]})
    }

    it('so a commit that would is no commit, and says why', async () => {
      await run({source: yielding({id: 'a', n: 1}), now: DAY})
      await stream()
      const before = await underTest.stored()
      const {error} = await run({source: yielding({id: 'a', n: 2}, {id: 'b', n: 1}), now: 2 * DAY, request: full})
      expect((error as LorchestraError).message).to.include('streamingBuffer')
      expect((error as LorchestraError).next).to.include('streamed into the table')
      expect(await underTest.stored()).to.deep.equal(before)
    })

    it('and a commit that only adds rows goes through', async () => {
      await run({source: yielding({id: 'a', n: 1}), now: DAY})
      await stream()
      const {error, counts} = await run({source: yielding({id: 'b', n: 1}), now: 2 * DAY, request: full})
      expect([error, counts?.inserted]).to.deep.equal([undefined, 1])
    })
  })

  describe('a table is all that its definition says', () => {
    const change = async (tableId: string, more: object, fields: (name: string) => object = () => ({})) => {
      const [, definition] = definitionsOf(PRODUCTION).find(([name]) => tableId.endsWith(name)) ?? []
      if (definition === undefined) throw new Error(`no definition of ${tableId}`)
      const made = builtInMetadata(definition) as {schema: {fields: {name: string}[]}}
      const schema = {fields: made.schema.fields.map((field) => ({...field, ...fields(field.name)}))}
      const path = `/datasets/${underTest.dataset}/tables`
      await call(stub.url, 'DELETE', `${path}/${tableId}`).catch(() => undefined)
      await call(stub.url, 'POST', path, {...made, ...more, schema, tableReference: table(tableId)})
    }
    const described = async (tableId: string): Promise<object> => {
      const answer = (await call(stub.url, 'GET', `/datasets/${underTest.dataset}/tables/${tableId}`)) as object
      return Object.fromEntries(Object.entries(answer).filter(([property]) => !OF_ONE_TABLE.test(property)))
    }
    const beginTest = async (warehouse: Warehouse = underTest.open()): Promise<void> => {
      const writer = await warehouse.begin({
        tables: TEST,
        definitionFrom: PRODUCTION,
        runId: 'a-test',
        scopes: [],
        started: () => createEvent({type: 'job.started', runId: 'a-test', at: new Date()}),
      })
      await writer.close()
    }
    it('but for its end: both test tables have one, which each run into them moves, and production none', async () => {
      const expiring = async (testTablesExpire: number) => {
        const {connection} = underTest
        const warehouse = new BigQueryWarehouse({...connection, testTablesExpire}, new AbortController().signal)
        const begun = Date.now()
        await beginTest(warehouse)
        const {tables} = await warehouse.describe(TEST)
        return tables.map(({expires}) => (expires === undefined ? undefined : Math.round((expires - begun) / DAY)))
      }
      expect(await expiring(30 * DAY)).to.deep.equal([30, 30])
      expect(await expiring(40 * DAY)).to.deep.equal([40, 40])
      const {tables} = await underTest.open().describe(PRODUCTION)
      expect(tables.map(({expires}) => expires)).to.deep.equal([undefined, undefined])
      expect(await expiring(0)).to.deep.equal([undefined, undefined])
      const patched = service.seen.filter(({method}) => method === 'PATCH').map(({path}) => path.split('/').at(-1))
      expect(new Set(patched)).to.deep.equal(new Set([TEST.eventLog, TEST.rawObjects]))
    })

    const external = (more: object) => (name: string) => (name === 'external_id' ? more : {})
    const properties: readonly [string, string, object, ((name: string) => object)?][] = [
      ['a primary key', 'raw_objects', {tableConstraints: {primaryKey: {columns: ['external_id']}}}],
      ['no primary key', 'raw_objects', {tableConstraints: undefined}],
      ['other partitions', 'event_log', {timePartitioning: {type: 'MONTH', field: 'created_at'}}],
      [
        'partitions that expire',
        'event_log',
        {timePartitioning: {type: 'DAY', field: 'created_at', expirationMs: '864000000000'}},
      ],
      ['a filter on partitions that is required', 'event_log', {requirePartitionFilter: true}],
      ['two-column clustering', 'raw_objects', {clustering: {fields: ['source_system', 'object_type']}}],
      ['a default collation', 'raw_objects', {defaultCollation: 'und:ci'}],
      [
        'an encryption key',
        'raw_objects',
        {encryptionConfiguration: {kmsKeyName: 'projects/p/locations/us/keyRings/r/cryptoKeys/k'}},
      ],
      ['a description', 'event_log', {description: 'the audit trail'}],
      ['labels', 'event_log', {labels: {team: 'data'}}],
      ['staleness', 'raw_objects', {maxStaleness: '0-0 0 4:0:0'}],
      [
        'a policy tag on a column',
        'raw_objects',
        {},
        external({policyTags: {names: ['projects/p/locations/us/taxonomies/1/policyTags/2']}}),
      ],
      ['a description of a column', 'raw_objects', {}, external({description: 'the id there'})],
      ['a default value of a column', 'raw_objects', {}, external({defaultValueExpression: "'none'"})],
      ['a collation of a column', 'raw_objects', {}, external({collation: 'und:ci'})],
      ['a required column', 'raw_objects', {}, external({mode: 'REQUIRED'})],
    ]
    for (const [what, tableId, more, fields] of properties) {
      it(`so a test table has production's, and is refused where it has not: ${what}`, async () => {
        await change(tableId, more, fields)
        await beginTest()
        expect(await described(`test_${tableId}`)).to.deep.equal(await described(tableId))
        await change(`test_${tableId}`, {})
        const error = await beginTest().catch((reason: unknown) => reason)
        expect((error as Error).message).to.include(`test_${tableId} has another definition than ${tableId}`)
      })
    }
  })

  describe('a table is changed five times in ten seconds, fifty where it has partitions', () => {
    it('and then no more', async () => {
      const loads = Array.from({length: 6}, async (_, number) =>
        statement(`CREATE OR REPLACE TABLE {often} AS SELECT ${number} AS n`),
      )
      const outcomes = await Promise.allSettled(loads)
      expect(outcomes.filter(({status}) => status === 'rejected')).to.have.length(1)
    })

    it('which no run comes near, however many commits it makes', async () => {
      const records = Array.from({length: 12}, (_, day) => ({id: `d${day}`, at: day * DAY}))
      const source = scriptedSource(() => records, {defaults: {slice: '1d', earliest: new Date(0).toISOString()}})
      const commitAfter = {records: 1, milliseconds: 1e9}
      const {error, counts} = await run({source, now: 12 * DAY, commitAfter})
      expect([error, counts?.inserted]).to.deep.equal([undefined, 12])
    })
  })

  describe('a statement bills what it reads, and a changed table as a whole', () => {
    const text = 'x'.repeat(MB)
    const many = (from: number, change = '') => {
      const pages = [0, 1, 2].map((page) =>
        Array.from({length: 10}, (_, index) => ({id: String(from + page * 10 + index), text: `${text}${change}`})),
      )
      return scriptedSource(() => [], {
        async *extract() {
          for (const records of pages) yield await Promise.resolve({records})
        },
      })
    }
    const billed = (): number => billing.bills.reduce((sum, {bytes}) => sum + bytes, 0)
    const largest = (): number => Math.max(...billing.bills.map(({bytes}) => bytes))

    it('as the stub says, too', async () => {
      await run({source: many(0), now: DAY})
      const keys = await statement('SELECT idem_key FROM {raw_objects}')
      const payloads = await statement('SELECT payload FROM {raw_objects}')
      const change = await statement('UPDATE {raw_objects} SET last_seen = CURRENT_TIMESTAMP() WHERE TRUE')
      const bytes = [keys, payloads, change].map(({statistics}) => Number(statistics?.query?.totalBytesBilled))
      expect(bytes[0]).to.equal(10 * MB)
      expect(bytes[1]).to.be.within(30 * MB, 31 * MB)
      expect(bytes[2]).to.be.within(30 * MB, 31 * MB)
      const {status} = await statement('SELECT payload FROM {raw_objects}', {maximumBytesBilled: String(20 * MB)})
      expect(status.errorResult?.reason).to.equal('bytesBilledLimitExceeded')
    })

    it('so no payload that is stored is billed where all records are new', async () => {
      await run({source: many(0), now: DAY})
      billing.bills.splice(0)
      const {counts} = await run({source: many(100), now: 2 * DAY, request: full})
      expect(counts?.inserted).to.equal(30)
      // What came new is billed, and the least for the other tables; what is stored would be 30 MB for each statement.
      expect(largest()).to.be.lessThan(120 * MB)
      expect(billed()).to.be.lessThan(300 * MB)
    })

    it('so a run with nothing new bills no payload', async () => {
      await run({source: many(0), now: DAY})
      billing.bills.splice(0)
      const {error} = await run({source: yielding(), now: 2 * DAY})
      expect(error).to.equal(undefined)
      // The least for each table that a statement names, in a run that carries what the log says; payloads would be 30 MB more.
      expect(billed()).to.be.at.most(70 * MB)
    })
  })
})
