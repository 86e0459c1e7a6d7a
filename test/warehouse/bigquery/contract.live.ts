import {expect} from 'chai'
import {GoogleAuth, type AuthClient} from 'google-auth-library'

import {underTestIn, type BigQueryUnderTest, type DirectService} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {describeRunsApart, describeWarehouse} from '../../support/warehouse-contract.ts'

const {BIGQUERY_LIVE_PROJECT: project, BIGQUERY_LIVE_LOCATION: location = 'US'} = process.env
const LIFETIME = String(24 * 3_600_000)

interface Answer {
  readonly jobComplete: boolean
  readonly jobReference: {readonly jobId: string}
  readonly schema?: {readonly fields: readonly {readonly name: string}[]}
  readonly rows?: readonly {readonly f: readonly {readonly v: string | null}[]}[]
}

/**
 * Against Google itself, by hand only. It makes datasets of its own, where all but production's tables expire within a day, and
 * removes each of them after its test.
 */
describe('BigQuery itself as a warehouse', function () {
  this.timeout(600_000)
  const folder = folderForEachTest()
  let client: AuthClient
  let underTest: BigQueryUnderTest
  before(async () => {
    if (project === undefined) throw new Error('BIGQUERY_LIVE_PROJECT must name the project to test in')
    client = await new GoogleAuth({scopes: ['https://www.googleapis.com/auth/bigquery']}).getClient()
  })

  const service: DirectService = {
    async call(method, path, body) {
      const url = `https://bigquery.googleapis.com/bigquery/v2/projects/${project}${path}`
      const {data} = await client.request({url, method, ...(body !== undefined && {data: body})})
      return data
    },
    async query(sql) {
      const request = {query: sql, useLegacySql: false, location, timeoutMs: 60_000}
      let answer = (await service.call('POST', '/queries', request)) as Answer
      const again = `/queries/${answer.jobReference.jobId}?location=${location}&timeoutMs=60000`
      while (!answer.jobComplete) answer = (await service.call('GET', again)) as Answer
      const names = answer.schema?.fields.map(({name}) => name) ?? []
      return (answer.rows ?? []).map(({f}) =>
        Object.fromEntries(names.map((name, index) => [name, f[index]?.v ?? null])),
      )
    },
  }

  beforeEach(async () => {
    const dataset = `lorchestra_live_${Date.now()}`
    const datasetReference = {projectId: project, datasetId: dataset}
    await service.call('POST', '/datasets', {datasetReference, location, defaultTableExpirationMs: LIFETIME})
    underTest = underTestIn({project: project ?? '', dataset, location, touchAfter: 0}, service, folder())
    // Its tables would have the end that the dataset gives.
    await underTest.open().createTables(PRODUCTION)
  })
  afterEach('leaves no staging table and no lease behind', async () => {
    const left = (await underTest.tables()).filter((name) => name.startsWith('lorchestra_'))
    await service.call('DELETE', `/datasets/${underTest.dataset}?deleteContents=true`)
    expect(left).to.deep.equal([])
  })
  describeWarehouse(() => underTest)
  describeRunsApart(() => underTest)
})
