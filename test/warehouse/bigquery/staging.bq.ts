import {expect} from 'chai'

import {bigQueryBehindRules} from '../../support/bigquery/for-each-test.ts'
import {call} from '../../support/bigquery/emulator.ts'
import {failedJob, once, type SeenRequest} from '../../support/bigquery/faulty-service.ts'
import {WholeDefinitions} from '../../support/bigquery/stub/rules.ts'
import type {BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
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
  const suite = bigQueryBehindRules(() => [new WholeDefinitions()])
  let underTest: BigQueryUnderTest
  beforeEach(async () => {
    underTest = await suite.start()
  })
  const isUpload = ({path}: SeenRequest): boolean => path === '/upload/jobs'

  it('is protected as production is: by its key and the policy tags of its columns, whatever is staged', async () => {
    const path = `/datasets/${underTest.dataset}/tables/raw_objects`
    const {schema} = (await call(suite.stub.url, 'GET', path)) as Pick<Made, 'schema'>
    const fields = schema.fields.map((field) => (field.name === 'payload' ? {...field, policyTags: TAGS} : field))
    await call(suite.stub.url, 'PATCH', path, {schema: {fields}, encryptionConfiguration: KEY})
    await underTest.run({source: yielding({id: 'a', n: 1}), now: DAY})
    suite.service.forget()
    const {error, counts} = await underTest.run({
      source: yielding({id: 'a', n: 2}),
      now: 2 * DAY,
      request: {full: true},
    })
    expect([error, counts.updated]).to.deep.equal([undefined, 1])
    const made = suite.service.seen
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
    const withPayload = suite.service.seen.filter(({body}) => /CREATE (OR REPLACE )?TABLE[^;]*payload/.test(body))
    expect(withPayload, 'a statement would make a table without tags').to.deep.equal([])
  })

  it('is loaded into empty tables alone, which keep what protects them', async () => {
    await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const uploads = suite.service.seen.filter(isUpload)
    expect(uploads.length).to.be.greaterThan(0)
    for (const {body} of uploads) expect(body).to.include('"writeDisposition":"WRITE_EMPTY"')
  })

  it('is made anew where an attempt that was given up had loaded it', async () => {
    const full = failedJob('duplicate', 'Already Exists: Table p:d.lorchestra_staging_x')
    suite.service.faults = once(isUpload, full)
    suite.service.forget()
    const {error, counts} = await underTest.run({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
    expect([error, counts.inserted]).to.deep.equal([undefined, 2])
    const ofRecords = suite.service.seen.filter(({path, body}) => `${path} ${body}`.includes('_records_'))
    const acts = ofRecords.map(({method, path}) => (isUpload({path} as SeenRequest) ? 'load' : method))
    expect(acts.join(' ')).to.match(/^POST load DELETE POST load /)
  })
})
