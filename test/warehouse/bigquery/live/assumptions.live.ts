import {expect} from 'chai'

import {ASSUMPTIONS} from '../../../support/bigquery/live/assumptions.ts'
import {liveService} from '../../../support/bigquery/live/service.ts'

interface Table {
  readonly expirationTime?: string
  readonly defaultCollation?: string
  readonly timePartitioning?: {readonly expirationMs?: string}
  readonly tableConstraints?: {readonly primaryKey?: {readonly columns?: readonly string[]}}
}

interface Job {
  readonly jobReference: {readonly jobId: string; readonly location?: string}
  readonly status: {
    readonly state: string
    readonly errorResult?: {readonly reason?: string; readonly message?: string}
  }
  readonly statistics?: {readonly query?: {readonly totalBytesProcessed?: string; readonly totalBytesBilled?: string}}
}

const HOUR = 3_600_000
const MB = 1024 * 1024
const HELD = `DECLARE until_then TIMESTAMP DEFAULT TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 8 SECOND);`
const HOLD = 'WHILE CURRENT_TIMESTAMP() < until_then DO SELECT 1; END WHILE;'

/** Each test is one assumption, by its id, and asks the service past everything of ours. */
describe('an assumption about BigQuery', () => {
  let dataset: string
  let probed = 0
  const probe = (id: string, ask: () => Promise<void>): void => {
    if (!ASSUMPTIONS.some((one) => one.id === id && one.tests === undefined && one.outOfReach === undefined)) {
      throw new Error(`no assumption to probe is called ${id}`)
    }
    probed += 1
    it(id, ask)
  }
  const {call, query} = {
    call: async (method: string, path: string, body?: object) => liveService().call(method, path, body),
    query: async (sql: string) => liveService().query(sql),
  }
  const named = (table: string): string => `\`${liveService().connection.project}.${dataset}.${table}\``
  const refusal = async (asked: Promise<unknown>): Promise<string> =>
    asked.then(
      () => '',
      (error: unknown) => String(error),
    )
  const make = async (tableId: string, more: object = {}): Promise<Table> => {
    const fields = [
      {name: 'id', type: 'STRING'},
      {name: 'moment', type: 'TIMESTAMP'},
    ]
    const tableReference = {projectId: liveService().connection.project, datasetId: dataset, tableId}
    await call('POST', `/datasets/${dataset}/tables`, {tableReference, schema: {fields}, ...more})
    return (await call('GET', `/datasets/${dataset}/tables/${tableId}`)) as Table
  }
  const job = async (
    configuration: object,
    jobId = `live-${Date.now()}-${Math.random().toString(36).slice(2)}`,
  ): Promise<Job> => {
    const {project: projectId, location} = liveService().connection
    const jobReference = {projectId, jobId, ...(location !== undefined && {location})}
    let answer = (await call('POST', '/jobs', {jobReference, configuration})) as Job
    while (answer.status.state !== 'DONE') {
      answer = (await call(
        'GET',
        `/jobs/${answer.jobReference.jobId}${location === undefined ? '' : `?location=${location}`}`,
      )) as Job
    }
    return answer
  }
  const statement = (sql: string, more: object = {}): object => ({
    query: {query: sql, useLegacySql: false, useQueryCache: false, ...more},
  })
  const estimate = async (sql: string): Promise<number> =>
    Number(
      ((await call('POST', '/jobs', {configuration: {...statement(sql), dryRun: true}})) as Job).statistics?.query
        ?.totalBytesProcessed,
    )
  const only = async (expression: string): Promise<string | null | undefined> =>
    (await query(`SELECT CAST(${expression} AS STRING) AS it`))[0]?.['it']

  before(async () => liveService().renew())
  beforeEach(async () => (dataset = await liveService().createDataset()))
  afterEach(async () => liveService().removeDataset(dataset))

  probe('table-expiration-inherited', async () => {
    await call('PATCH', `/datasets/${dataset}`, {defaultTableExpirationMs: String(HOUR)})
    expect(Number((await make('one')).expirationTime)).to.be.within(Date.now(), Date.now() + 2 * HOUR)
  })
  probe('partition-expiration-inherited', async () => {
    await call('PATCH', `/datasets/${dataset}`, {defaultPartitionExpirationMs: String(HOUR)})
    const {timePartitioning} = await make('one', {timePartitioning: {type: 'DAY', field: 'moment'}})
    expect(timePartitioning?.expirationMs).to.equal(String(HOUR))
  })
  probe('numbers-exact-refused', async () => {
    expect(await refusal(query("SELECT TO_JSON_STRING(PARSE_JSON('67.174118')) AS it"))).to.match(/round-trip/)
  })
  probe('numbers-rounded', async () => {
    const text = await only("TO_JSON_STRING(SAFE.PARSE_JSON('67.174118', wide_number_mode => 'round'))")
    expect(Number(text)).to.be.closeTo(67.174118, 1e-12)
  })
  probe('bad-json-is-null', async () => {
    expect(await only("SAFE.PARSE_JSON('{') IS NULL")).to.equal('true')
  })
  probe('json-members-sorted', async () => {
    expect(await only(`TO_JSON_STRING(PARSE_JSON('{"b":1,"a":2,"a":3}'))`)).to.equal('{"a":2,"b":1}')
  })
  probe('ceiling-refuses', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('a', CURRENT_TIMESTAMP())`)
    const {status} = await job(statement(`SELECT id FROM ${named('one')}`, {maximumBytesBilled: '1'}))
    expect(status.errorResult?.reason).to.equal('bytesBilledLimitExceeded')
  })
  probe('dry-run-estimates', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('abc', NULL)`)
    const looked = (await call('POST', '/jobs', {
      configuration: {...statement(`SELECT id FROM ${named('one')}`), dryRun: true},
    })) as Job
    expect(looked.statistics?.query?.totalBytesProcessed).to.equal('5')
  })
  probe('partitions-prune', async () => {
    await make('one', {timePartitioning: {type: 'DAY', field: 'moment'}})
    await query(
      `INSERT INTO ${named('one')} VALUES ('new', CURRENT_TIMESTAMP()), ('old', TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 3 DAY))`,
    )
    const today = new Date(Date.now() - 24 * HOUR).toISOString()
    const whole = await estimate(`SELECT id, moment FROM ${named('one')}`)
    expect(
      await estimate(`SELECT id, moment FROM ${named('one')} WHERE moment >= TIMESTAMP '${today}'`),
    ).to.be.lessThan(whole)
  })
  probe('least-billed', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('a', NULL)`)
    const {statistics} = await job(statement(`SELECT id FROM ${named('one')}`))
    expect(Number(statistics?.query?.totalBytesBilled)).to.equal(10 * MB)
  })
  probe('transactions-conflict', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('a', NULL), ('b', NULL)`)
    const changing = (id: string) =>
      job(
        statement(
          `${HELD} BEGIN TRANSACTION; UPDATE ${named('one')} SET moment = CURRENT_TIMESTAMP() WHERE id = '${id}'; ${HOLD} COMMIT TRANSACTION`,
        ),
      )
    const errors = (await Promise.all([changing('a'), changing('b')])).map(({status}) => status.errorResult?.message)
    expect(errors.filter((message) => message !== undefined)).to.have.length(1)
    expect(errors.join('')).to.match(/concurrent update/)
  })
  probe('inserts-do-not-conflict', async () => {
    await make('one')
    const adding = (id: string) =>
      job(
        statement(
          `${HELD} BEGIN TRANSACTION; INSERT INTO ${named('one')} VALUES ('${id}', NULL); ${HOLD} COMMIT TRANSACTION`,
        ),
      )
    const errors = (await Promise.all([adding('a'), adding('b')])).map(({status}) => status.errorResult?.message)
    expect(errors).to.deep.equal([undefined, undefined])
    expect(await query(`SELECT id FROM ${named('one')}`)).to.have.length(2)
  })
  probe('script-rolls-back', async () => {
    await make('one')
    const {status} = await job(
      statement(
        `BEGIN TRANSACTION; INSERT INTO ${named('one')} VALUES ('a', NULL); SELECT ERROR('no'); COMMIT TRANSACTION`,
      ),
    )
    expect(status.errorResult).to.not.equal(undefined)
    expect(await query(`SELECT id FROM ${named('one')}`)).to.deep.equal([])
  })
  probe('merge-needs-one-source-row', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('a', NULL)`)
    const merge = `MERGE INTO ${named('one')} AS t USING (SELECT 'a' AS id, x FROM UNNEST([1, 2]) AS x) AS s ON t.id = s.id WHEN MATCHED THEN UPDATE SET moment = TIMESTAMP_MILLIS(x)`
    expect((await job(statement(merge))).status.errorResult?.message ?? '').to.match(/at most one source row/)
  })
  probe('statement-of-1-mb', async () => {
    expect(await refusal(query(`SELECT '${'x'.repeat(1_100_000)}' AS it`))).to.match(/too large|maximum|exceed/i)
  })
  probe('partition-filter-binds-dml', async () => {
    await make('one', {timePartitioning: {type: 'DAY', field: 'moment'}, requirePartitionFilter: true})
    expect(await refusal(query(`DELETE FROM ${named('one')} WHERE FALSE`))).to.match(/partition/)
  })
  probe('partition-filter-any-time', async () => {
    await make('one', {timePartitioning: {type: 'DAY', field: 'moment'}, requirePartitionFilter: true})
    expect(await query(`SELECT id FROM ${named('one')} WHERE moment >= TIMESTAMP('0001-01-01')`)).to.deep.equal([])
  })
  probe('streamed-rows-stay', async () => {
    await make('one')
    await call('POST', `/datasets/${dataset}/tables/one/insertAll`, {rows: [{json: {id: 'a'}}]})
    expect(await refusal(query(`DELETE FROM ${named('one')} WHERE id = 'a'`))).to.match(/streaming buffer/)
  })
  probe('collation-inherited', async () => {
    await call('PATCH', `/datasets/${dataset}`, {defaultCollation: 'und:ci'})
    expect((await make('one')).defaultCollation).to.equal('und:ci')
  })
  probe('empty-collation-kept', async () => {
    await call('PATCH', `/datasets/${dataset}`, {defaultCollation: 'und:ci'})
    await make('one', {defaultCollation: ''})
    await query(`INSERT INTO ${named('one')} VALUES ('a', NULL), ('A', NULL)`)
    expect(await query(`SELECT id FROM ${named('one')} WHERE id = 'a'`)).to.have.length(1)
  })
  probe('primary-key-kept', async () => {
    const {tableConstraints} = await make('one', {tableConstraints: {primaryKey: {columns: ['id']}}})
    expect(tableConstraints?.primaryKey?.columns).to.deep.equal(['id'])
    await query(`INSERT INTO ${named('one')} VALUES ('a', NULL), ('a', NULL)`)
    expect(await only(`(SELECT COUNT(*) FROM ${named('one')} WHERE moment IS NULL)`)).to.equal('2')
  })
  probe('job-id-taken-for-ever', async () => {
    const jobId = `live-twice-${Date.now()}`
    await job(statement('SELECT 1'), jobId)
    expect(await refusal(job(statement('SELECT 1'), jobId))).to.match(/ 409 .*duplicate/s)
  })
  probe('job-complete-false', async () => {
    const slow = {query: `${HELD} ${HOLD}`, useLegacySql: false, timeoutMs: 1}
    const answer = (await call('POST', '/queries', slow)) as {jobComplete: boolean; rows?: unknown}
    expect(answer).to.include({jobComplete: false}).and.not.have.property('rows')
  })
  probe('statement-is-atomic', async () => {
    await make('one')
    const {status} = await job(
      statement(`INSERT INTO ${named('one')} SELECT IF(x = 2, ERROR('bad'), 'a'), NULL FROM UNNEST([1, 2]) AS x`),
    )
    expect(status.errorResult).to.not.equal(undefined)
    expect(await query(`SELECT id FROM ${named('one')}`)).to.deep.equal([])
  })
  probe('lease-end-by-metadata', async () => {
    await make('one')
    const end = String(Date.now() + 5 * HOUR + 7)
    await call('PATCH', `/datasets/${dataset}/tables/one`, {expirationTime: end})
    expect(((await call('GET', `/datasets/${dataset}/tables/one`)) as Table).expirationTime).to.equal(end)
  })
  probe('time-travel', async () => {
    await make('one')
    await query(`INSERT INTO ${named('one')} VALUES ('before', NULL)`)
    const then = (await query("SELECT FORMAT_TIMESTAMP('%Y-%m-%dT%H:%M:%E6SZ', CURRENT_TIMESTAMP()) AS it"))[0]?.['it']
    await query(`BEGIN TRANSACTION; UPDATE ${named('one')} SET id = 'after' WHERE TRUE; COMMIT TRANSACTION`)
    expect(await query(`SELECT id FROM ${named('one')} FOR SYSTEM_TIME AS OF TIMESTAMP '${then}'`)).to.deep.equal([
      {id: 'before'},
    ])
  })
  probe('rights-are-told', async () => {
    await make('one')
    const permissions = ['bigquery.tables.getData', 'bigquery.tables.updateData']
    const path = `/datasets/${dataset}/tables/one:testIamPermissions`
    expect(await call('POST', path, {permissions})).to.deep.equal({permissions})
  })

  it('has a probe where no other test shows it', () => {
    expect(probed).to.equal(
      ASSUMPTIONS.filter(({tests, outOfReach}) => tests === undefined && outOfReach === undefined).length,
    )
  })
})
