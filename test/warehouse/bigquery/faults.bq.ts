import {rmSync} from 'node:fs'
import {join} from 'node:path'

import {expect} from 'chai'
import {stub} from 'sinon'

import {messageWithCauses, outcomeOf, type LorchestraError} from '../../../src/base/errors.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {
  failedJob,
  isMutating,
  namesProduction,
  once,
  refusal,
  type Fault,
  type SeenRequest,
} from '../../support/bigquery/faulty-service.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const isUpload = ({path}: SeenRequest): boolean => path === '/upload/jobs'
const isDataset = ({path}: SeenRequest): boolean => /^\/datasets\/\w+$/.test(path)
const isLook = ({method, path}: SeenRequest): boolean => method === 'GET' && /\/tables\/\w+$/.test(path)
const isStatement = ({method, path}: SeenRequest): boolean => method === 'POST' && path === '/jobs'
const isCommit = (request: SeenRequest): boolean => isStatement(request) && request.body.includes('BEGIN TRANSACTION')

describe('requests to BigQuery', () => {
  const suite = faultyBigQueryForEachTest()
  const run = async (...args: Parameters<BigQueryUnderTest['run']>) =>
    suite.underTest.run(...args).catch((error: unknown) => ({error, counts: undefined}))

  it('of a dry run are looks and SELECT statements, and none at all with --since', async () => {
    await run({source: yielding({id: 'a'}), now: DAY})
    suite.service.forget()
    const source = yielding({id: 'a'}, {id: 'b'})
    expect((await run({source, now: 2 * DAY, mode: 'dry-run'})).error).to.equal(undefined)
    expect(suite.service.seen).to.not.deep.equal([])
    expect(suite.service.seen.filter(isMutating)).to.deep.equal([])
    suite.service.forget()
    const since = {since: 0}
    await run({source, now: 2 * DAY, mode: 'dry-run', request: since})
    expect(suite.service.seen).to.deep.equal([])
  })

  it('of a test run name no production table where they write', async () => {
    expect((await run({source: yielding({id: 'a'}), now: DAY, mode: 'test-table'})).error).to.equal(undefined)
    const writes = suite.service.seen.filter(isMutating)
    expect(writes.length).to.be.greaterThan(5)
    expect(writes.filter(namesProduction)).to.deep.equal([])
  })

  it('carry no credentials to an emulator', async () => {
    await run({source: yielding({id: 'a'}), now: DAY})
    expect(suite.service.seen.filter(({authorized}) => authorized)).to.deep.equal([])
  })

  const survivable: readonly [string, (request: SeenRequest) => boolean, Fault][] = [
    ['the connection breaks before a load arrives', isUpload, 'reset before'],
    ['the connection breaks after a load was accepted', isUpload, 'reset after'],
    ['the connection breaks before a commit arrives', isCommit, 'reset before'],
    ['the connection breaks after a commit was accepted', isCommit, 'reset after'],
    [
      'the connection breaks after a staging table was made',
      ({path, method}) => method === 'POST' && path.endsWith('/tables'),
      'reset after',
    ],
    ['the service is busy (503) at a load', isUpload, refusal(503, 'backendError')],
    ['the service is busy (503) at a commit', isCommit, refusal(503, 'backendError')],
    ['the rate is too high (429) at a statement', isStatement, refusal(429, 'rateLimitExceeded')],
    ['the rate is too high (403) at a statement', isStatement, refusal(403, 'rateLimitExceeded')],
    ['a look fails with 500', ({method}) => method === 'GET', refusal(500, 'internalError')],
    ['a load job fails inside of the service', isUpload, failedJob('backendError', 'try again')],
    [
      'a commit collides with another statement',
      isCommit,
      failedJob('invalidQuery', 'Transaction is aborted due to concurrent update'),
    ],
  ]
  for (const [what, fits, fault] of survivable) {
    it(`are made until they are answered, and nothing is done twice: ${what}`, async () => {
      suite.service.faults = once(fits, fault)
      const {error, counts} = await run({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
      expect([error, counts?.inserted]).to.deep.equal([undefined, 2])
      expect((await suite.underTest.stored()).map(({key}) => key.slice(-1))).to.deep.equal(['a', 'b'])
      expect((await suite.underTest.logged()).map(({type}) => type)).to.deep.equal([
        'ingestion.completed',
        'job.completed',
        'job.started',
        'schema.changed',
      ])
      expect((await suite.underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
    })
  }

  it('that are not answered in time are made again, and nothing is done twice', async () => {
    for (const [day, fits] of [isUpload, isCommit, isLook].entries()) {
      suite.service.faults = once(fits, 'hang')
      const hasty = await bigQueryUnderTest({
        emulator: suite.emulator,
        folder: suite.folder,
        endpoint: suite.service.url,
        idleTimeout: 3000,
      })
      await hasty.createProduction()
      const {error, counts} = await hasty.run({source: yielding({id: 'a'}), now: (day + 1) * DAY})
      expect([day, error, counts.inserted]).to.deep.equal([day, undefined, 1])
      expect((await hasty.stored()).length).to.equal(1)
    }
  })

  it('that are not answered are let go of when the run is stopped', async () => {
    for (const hanging of [isDataset, isLook]) {
      const stop = new AbortController()
      suite.service.faults = (request) => {
        if (!hanging(request)) return undefined
        stop.abort(new Error('stopped by a signal'))
        return 'hang'
      }
      const startedAt = performance.now()
      const {error} = await run({source: yielding({id: 'a'}), now: DAY, mode: 'dry-run', signal: stop.signal})
      expect(messageWithCauses(error)).to.include('stopped by a signal')
      expect(performance.now() - startedAt, 'an answer is waited for a minute').to.be.lessThan(60_000)
    }
  })

  it('that upload and always break end the run with a clear error, and leave nothing of the commit', async () => {
    const noPauses = stub(Math, 'random').returns(-0.5)
    try {
      suite.service.faults = (request) => (isUpload(request) ? 'reset before' : undefined)
      const {error} = await run({source: yielding({id: 'a'}), now: DAY})
      expect(messageWithCauses(error)).to.match(/the upload to BigQuery failed 8 times in \d+ seconds.*ECONNRESET/s)
      expect(suite.service.seen.filter(isUpload).length).to.equal(8)
    } finally {
      noPauses.restore()
    }
    expect(await suite.underTest.stored()).to.deep.equal([])
    expect((await suite.underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
  })

  it('that upload a file which somebody removed say so at once', async () => {
    suite.service.faults = (request) => {
      if (request.method === 'POST' && request.path.endsWith('/tables'))
        rmSync(join(suite.folder, 'spool'), {recursive: true})
      return undefined
    }
    const {error} = await run({source: yielding({id: 'a'}), now: DAY})
    expect(messageWithCauses(error)).to.include('a temporary file of this run cannot be read any more')
    expect(suite.service.seen.filter(isUpload)).to.deep.equal([])
    expect(await suite.underTest.stored()).to.deep.equal([])
  })

  it('that fail for good leave nothing of the commit, no staging and no payload in the error', async () => {
    suite.service.faults = (request) =>
      isUpload(request) ? failedJob('invalid', 'Could not parse "secret-illness" as JSON at row 1') : undefined
    const {error} = await run({source: yielding({id: 'a', diagnosis: 'secret-illness'}), now: DAY})
    expect(String((error as Error).stack))
      .to.include('loading records')
      .and.include('invalid')
      .and.not.include('secret-illness')
    expect(await suite.underTest.stored()).to.deep.equal([])
    const events = await suite.underTest.logged()
    expect(events.map(({type}) => type)).to.deep.equal(['job.failed', 'job.started'])
    expect((await suite.underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
  })

  it('above the ceiling on bytes are an error that says which', async () => {
    suite.service.faults = (request) =>
      isCommit(request)
        ? failedJob('bytesBilledLimitExceeded', 'Query exceeded limit for bytes billed: 1000.')
        : undefined
    const {error} = await run({source: yielding({id: 'a'}), now: DAY})
    expect((error as Error).message).to.include('exceeded limit for bytes billed: 1000')
    expect((error as LorchestraError).next).to.include('max_bytes_billed')
    expect(await suite.underTest.stored()).to.deep.equal([])
  })

  it('that are forbidden are never taken for a table that is missing', async () => {
    suite.service.faults = ({method, path}) =>
      method === 'GET' && path.endsWith('/tables/raw_objects')
        ? refusal(403, 'accessDenied', 'Access Denied: raw_objects')
        : undefined
    for (const mode of ['production', 'dry-run', 'test-table'] as const) {
      const {error} = await run({source: yielding({id: 'a'}), now: DAY, mode})
      expect(outcomeOf(error), mode).to.equal('failed')
      expect(String((error as Error).cause ?? error), mode).to.include('Access Denied: raw_objects')
    }
    expect(await suite.underTest.tables()).to.not.include('test_raw_objects')
  })

  it('whose job is said to be there and is never found end the run with a word, and are not made for ever', async () => {
    const noPauses = stub(Math, 'random').returns(-0.5)
    try {
      suite.service.faults = ({method, path, body}) => {
        if (method === 'POST' && path === '/jobs' && body.includes('BEGIN TRANSACTION'))
          return refusal(409, 'duplicate', 'Already Exists: Job p:US.x')
        return method === 'GET' && path.startsWith('/jobs/')
          ? refusal(404, 'notFound', 'Not found: Job p:US.x')
          : undefined
      }
      const {error} = await run({source: yielding({id: 'a'}), now: DAY})
      expect((error as Error).message).to.match(/the job \S+ is there, and does not find it/)
      expect((error as LorchestraError).next).to.include('warehouse.location')
      const ids = suite.service.seen.filter(isCommit).map(({body}) => /"jobId":"([^"]+)"/.exec(body)?.[1])
      expect(ids.filter((id) => id === ids[0])).to.have.length(8)
    } finally {
      noPauses.restore()
    }
    expect(await suite.underTest.stored()).to.deep.equal([])
  })

  it('whose answer is not complete yet are asked again, and are not taken for empty', async () => {
    await run({source: yielding({id: 'a'}), now: DAY})
    let incomplete = 0
    suite.service.faults = ({method, path}) => {
      if (method !== 'GET' || !path.startsWith('/queries/') || incomplete % 2 === 1) {
        incomplete += path.startsWith('/queries/') ? 1 : 0
        return undefined
      }
      incomplete += 1
      return {status: 200, body: {jobComplete: false, jobReference: {projectId: 'p', jobId: 'j', location: 'US'}}}
    }
    const {error, counts} = await run({source: yielding({id: 'a'}), now: 2 * DAY, request: {full: true}})
    expect([error, counts?.unchanged]).to.deep.equal([undefined, 1])
    expect(incomplete).to.be.greaterThan(3)
  })

  it('of a look whether tables may be written ask for all that a run does to tables, with a filter on partitions', async () => {
    await suite.underTest.open().checkWritable(PRODUCTION)
    const asked = suite.service.seen.filter(({body}) => body.includes('"dryRun":true')).map(({body}) => body)
    const statements: readonly RegExp[] = [
      /DELETE FROM `[^`]+event_log` WHERE created_at >= /,
      /DELETE FROM `[^`]+raw_objects`/,
      /CREATE TABLE `[^`]+lorchestra_staging_check`/,
      /DROP TABLE IF EXISTS `[^`]+lorchestra_staging_check`/,
    ]
    for (const statement of statements) expect(asked.filter((body) => statement.test(body))).to.have.length(1)
    suite.service.faults = ({body}) =>
      body.includes('CREATE TABLE')
        ? refusal(403, 'accessDenied', 'Access Denied: Dataset p:d: Permission bigquery.tables.create denied')
        : undefined
    const error = await suite.underTest
      .open()
      .checkWritable(PRODUCTION)
      .catch((thrown: unknown) => thrown as LorchestraError)
    expect((error as LorchestraError).message).to.include('whether staging tables may be made and dropped')
    expect((error as LorchestraError).next).to.include('roles/bigquery.dataEditor')
  })
})
