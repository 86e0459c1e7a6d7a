import {expect} from 'chai'

import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {allRows, describeQueries, refusalOf} from '../../support/query-contract.ts'

interface Sent {
  readonly configuration?: {readonly dryRun?: boolean; readonly query?: {readonly query: string}}
}

describe('a query of BigQuery', () => {
  const suite = faultyBigQueryForEachTest()

  const jobs = (): readonly Sent[] =>
    suite.service.seen
      .filter(({method, path}) => method === 'POST' && path === '/jobs')
      .map(({body}) => JSON.parse(body) as Sent)

  describe('is answered, and', () => {
    describeQueries(
      () => suite.underTest,
      [
        "EXPORT DATA OPTIONS (uri = 'gs://bucket/*.csv', format = 'CSV') AS SELECT 1",
        "LOAD DATA INTO copied FROM FILES (format = 'CSV', uris = ['gs://bucket/a.csv'])",
        'DECLARE x INT64',
        "EXECUTE IMMEDIATE 'SELECT 1'",
        'CALL some_procedure()',
        "GRANT `roles/bigquery.dataViewer` ON TABLE raw_objects TO 'user:me@example.org'",
      ],
    )
  })

  it('is priced before it runs', async () => {
    const told: string[] = []
    suite.service.faults = ({method, path, body}) => {
      if (method !== 'POST' || path !== '/jobs') return undefined
      const {configuration} = JSON.parse(body) as Sent
      told.push(configuration?.dryRun === true ? 'looked at' : 'run')
      if (configuration?.dryRun !== true) return undefined
      return {status: 200, body: {statistics: {totalBytesProcessed: '123456789', query: {statementType: 'SELECT'}}}}
    }
    const priced = (bytes: number): void => void told.push(String(bytes))
    const answer = await suite.underTest.open().query({sql: 'SELECT 1 AS one', rows: 5, priced})
    expect(await allRows(answer)).to.deep.equal([[1]])
    expect(told).to.deep.equal(['looked at', '123456789', 'run'])
  })

  it('is not run where the service calls it anything but a SELECT', async () => {
    suite.service.faults = ({path}) =>
      path === '/jobs' ? {status: 200, body: {statistics: {query: {statementType: 'SCRIPT'}}}} : undefined
    expect(await refusalOf(suite.underTest, 'SELECT 1')).to.include('SCRIPT')
    expect(jobs()).to.have.length(1)
  })

  it('is not sent at all where it is no single SELECT', async () => {
    await refusalOf(suite.underTest, 'DROP TABLE raw_objects')
    expect(jobs()).to.deep.equal([])
  })

  it('gives instants to the microsecond, and records and lists of them as they are', async () => {
    const sql = `SELECT TIMESTAMP '2024-01-02 03:04:05.678901+00' AS at, STRUCT(1 AS x, 'y' AS z) AS one,
      [STRUCT(1.5 AS f), STRUCT(2.5 AS f)] AS several, DATE '2024-01-02' AS day`
    const {columns, pages} = await suite.underTest.open().query({sql, rows: 5})
    expect(columns.map(({type}) => type).slice(0, 2)).to.deep.equal(['TIMESTAMP', 'RECORD'])
    expect(await allRows({columns, pages})).to.deep.equal([
      ['2024-01-02T03:04:05.678901Z', {x: 1, z: 'y'}, [{f: 1.5}, {f: 2.5}], '2024-01-02'],
    ])
  })

  it('comes in pages', async () => {
    const sql = 'SELECT n FROM UNNEST(GENERATE_ARRAY(1, 2500)) AS n ORDER BY n'
    const lengths: number[] = []
    for await (const page of (await suite.underTest.open().query({sql, rows: 2001})).pages) lengths.push(page.length)
    expect(lengths).to.deep.equal([1000, 1000, 1])
  })
})
