import {expect} from 'chai'

import {BigQueryWarehouse, type BigQueryOptions} from '../../../src/warehouse/bigquery/warehouse.ts'
import {PROJECT} from '../../support/bigquery/emulator.ts'
import type {SeenRequest} from '../../support/bigquery/faulty-service.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const KEY = 'projects/p/locations/eu/keyRings/r/cryptoKeys/k'

interface Configuration {
  readonly labels?: Readonly<Record<string, string>>
  readonly reservation?: string
  readonly query?: {
    readonly query: string
    readonly priority?: string
    readonly destinationEncryptionConfiguration?: {readonly kmsKeyName: string}
  }
}

describe('a setting of BigQuery is seen in the requests', () => {
  const suite = faultyBigQueryForEachTest()
  /** Reads twice, so that rows are inserted, compared and changed. */
  const runTwice = async (options: Partial<BigQueryOptions>): Promise<void> => {
    for (const day of [1, 2]) {
      const {error} = await suite.underTest.run({
        source: yielding({id: 'a', day}),
        now: day * DAY,
        warehouse: () =>
          new BigQueryWarehouse({...suite.underTest.connection, ...options}, new AbortController().signal),
      })
      expect(error).to.equal(undefined)
    }
    expect((await suite.underTest.stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', day: 2}])
  }
  const jobs = (): readonly Configuration[] =>
    suite.service.seen
      .filter(({method, path}) => method === 'POST' && /^(\/upload)?\/jobs$/.test(path))
      .map(({body}) => (JSON.parse(jobIn(body)) as {configuration: Configuration}).configuration)
  const jobIn = (body: string): string =>
    body.startsWith('{') ? body : (body.split('\r\n').find((line) => line.startsWith('{')) ?? '')
  const queries = (): readonly NonNullable<Configuration['query']>[] => jobs().flatMap(({query}) => query ?? [])
  const isJob = ({path}: SeenRequest): boolean => /\/(jobs|queries)\b/.test(path)

  it('labels: of every job, beside what says whose it is', async () => {
    await runTwice({labels: {team: 'ingestion'}})
    expect(jobs().length).to.be.above(10)
    for (const {labels} of jobs()) expect(labels).to.deep.equal({team: 'ingestion', tool: 'lorchestra'})
  })

  it('priority: of every statement', async () => {
    await runTwice({priority: 'batch'})
    for (const {priority} of queries()) expect(priority).to.equal('BATCH')
  })

  it('reservation: of every job', async () => {
    await runTwice({reservation: 'none'})
    for (const {reservation} of jobs()) expect(reservation).to.equal('none')
  })

  it('billing_project: jobs and their answers are its own, tables that of the data', async () => {
    await runTwice({billingProject: 'paying-project'})
    const projects = (requests: readonly SeenRequest[]): readonly string[] => [
      ...new Set(requests.map(({project}) => project)),
    ]
    expect(projects(suite.service.seen.filter(isJob))).to.deep.equal(['paying-project'])
    expect(projects(suite.service.seen.filter((request) => !isJob(request)))).to.deep.equal([PROJECT])
    for (const {query} of queries())
      for (const [, name] of query.matchAll(/`([^`.]+)\.[^`]+`/g)) expect(name).to.equal(PROJECT)
  })

  it('kms_key: of all that is created, and of what answers are kept in', async () => {
    const kms = {kmsKey: KEY}
    const made = await suite.emulator.createDataset()
    await new BigQueryWarehouse(
      {...suite.underTest.connection, dataset: made, ...kms},
      new AbortController().signal,
    ).createTables(PRODUCTION)
    await runTwice(kms)
    const tables = suite.service.seen.filter(({method, path}) => method === 'POST' && path.endsWith('/tables'))
    expect(tables.length).to.be.above(3)
    for (const {body} of tables) expect(JSON.parse(body)).to.deep.include({encryptionConfiguration: {kmsKeyName: KEY}})
    const creating = queries().filter(({query}) => /^\s*CREATE/.test(query))
    expect(creating.length).to.equal(2)
    for (const {query} of creating) expect(query).to.include(`kms_key_name = "${KEY}"`)
    const reading = queries().filter(({query}) => /^\s*(SELECT|WITH)/.test(query))
    for (const {destinationEncryptionConfiguration: answer} of reading) expect(answer).to.deep.equal({kmsKeyName: KEY})
  })

  it('created tables have a description for each column', async () => {
    const dataset = await suite.emulator.createDataset()
    const warehouse = new BigQueryWarehouse({...suite.underTest.connection, dataset}, new AbortController().signal)
    await warehouse.createTables(PRODUCTION)
    const made = suite.service.seen.filter(({method}) => method === 'POST').map(({body}) => body)
    expect(made.length).to.equal(2)
    for (const body of made) {
      const {schema} = JSON.parse(body) as {schema: {fields: readonly {description: string}[]}}
      for (const {description} of schema.fields) expect(description).to.match(/^\S.*\.$/)
    }
  })

  it('project: one of a domain is whole in addresses, in statements and in references', async () => {
    const project = 'example.com:my-project'
    suite.service.faults = ({path}) =>
      path.endsWith('/datasets/d')
        ? {status: 200, body: {location: 'EU'}}
        : path === '/jobs'
          ? {status: 403, body: {error: {code: 403, errors: [{reason: 'accessDenied', message: 'no'}]}}}
          : {status: 404, body: {error: {code: 404, errors: [{reason: 'notFound', message: 'Not found: Table'}]}}}
    const {apiEndpoint = ''} = suite.underTest.connection
    const warehouse = new BigQueryWarehouse({project, dataset: 'd', apiEndpoint}, new AbortController().signal)
    await warehouse.createTables(PRODUCTION).catch(() => undefined)
    await warehouse.query({sql: 'SELECT 1', rows: 1}).catch(() => undefined)
    suite.service.faults = () => undefined
    expect(new Set(suite.service.seen.map((request) => request.project))).to.deep.equal(new Set([project]))
    const bodies = suite.service.seen.filter(({body}) => body !== '').map(({body}) => body)
    expect(bodies.length).to.equal(2)
    for (const body of bodies) expect(body).to.include(`"projectId":"${project}"`)
  })
})
