import {expect} from 'chai'

import {call, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {
  failedJob,
  once,
  startFaultyService,
  type FaultyService,
  type SeenRequest,
} from '../../support/bigquery/faulty-service.ts'
import {WholeDefinitions} from '../../support/bigquery/stub/rules.ts'
import {startStub, type Stub} from '../../support/bigquery/stub/server.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const TAGS = {names: ['projects/p/locations/us/taxonomies/1/policyTags/2']}
const KEY = {kmsKeyName: 'projects/p/locations/us/keyRings/r/cryptoKeys/k'}

interface Made {
  readonly tableReference: {readonly tableId: string}
  readonly schema: {readonly fields: readonly {readonly name: string; readonly policyTags?: object}[]}
  readonly encryptionConfiguration?: object
  readonly defaultCollation?: string
  readonly expirationTime?: string
}

describe('what a run stages in BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let stub: Stub
  let service: FaultyService
  let underTest: BigQueryUnderTest
  before(async () => {
    emulator = await startEmulator()
    stub = await startStub(emulator.url, [new WholeDefinitions()])
    service = await startFaultyService(stub.url)
  })
  after(async () => {
    await service.close()
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => {
    service.faults = () => undefined
    underTest = await bigQueryUnderTest({
      emulator: {...emulator, url: stub.url},
      folder: folder(),
      endpoint: service.url,
    })
    await underTest.createProduction()
  })
  const isUpload = ({path}: SeenRequest): boolean => path === '/upload/jobs'

  it('is protected as production is: by its key and the policy tags of its columns, whatever is staged', async () => {
    const path = `/datasets/${underTest.dataset}/tables/raw_objects`
    const {schema} = (await call(stub.url, 'GET', path)) as Pick<Made, 'schema'>
    const fields = schema.fields.map((field) => (field.name === 'payload' ? {...field, policyTags: TAGS} : field))
    await call(stub.url, 'PATCH', path, {schema: {fields}, encryptionConfiguration: KEY})
    await underTest.run({source: yielding({id: 'a', n: 1}), now: DAY})
    service.forget()
    const {error, counts} = await underTest.run({
      source: yielding({id: 'a', n: 2}),
      now: 2 * DAY,
      request: {full: true},
    })
    expect([error, counts.updated]).to.deep.equal([undefined, 1])
    const made = service.seen
      .filter(({method, path: at}) => method === 'POST' && at.endsWith('/tables'))
      .map(({body}) => JSON.parse(body) as Made)
    expect(made.map(({tableReference}) => /_(records|stored)_/.exec(tableReference.tableId)?.[1])).to.have.members([
      'records',
      'stored',
    ])
    for (const {schema: staged, encryptionConfiguration, defaultCollation, expirationTime} of made) {
      expect(staged.fields.find(({name}) => name === 'payload')?.policyTags).to.deep.equal(TAGS)
      expect(encryptionConfiguration).to.deep.equal(KEY)
      expect(defaultCollation).to.equal('')
      expect(Number(expirationTime)).to.be.greaterThan(Date.now())
    }
    const withPayload = service.seen.filter(({body}) => /CREATE (OR REPLACE )?TABLE[^;]*payload/.test(body))
    expect(withPayload, 'a statement would make a table without tags').to.deep.equal([])
  })

  it('is loaded into empty tables alone, which keep what protects them', async () => {
    await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const uploads = service.seen.filter(isUpload)
    expect(uploads.length).to.be.greaterThan(0)
    for (const {body} of uploads) expect(body).to.include('"writeDisposition":"WRITE_EMPTY"')
  })

  it('is made anew where an attempt that was given up had loaded it', async () => {
    const full = failedJob('duplicate', 'Already Exists: Table p:d.lorchestra_staging_x')
    service.faults = once(isUpload, full)
    service.forget()
    const {error, counts} = await underTest.run({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
    expect([error, counts.inserted]).to.deep.equal([undefined, 2])
    const ofRecords = service.seen.filter(({path, body}) => `${path} ${body}`.includes('_records_'))
    const acts = ofRecords.map(({method, path}) => (isUpload({path} as SeenRequest) ? 'load' : method))
    expect(acts.join(' ')).to.match(/^POST load DELETE POST load /)
  })
})
