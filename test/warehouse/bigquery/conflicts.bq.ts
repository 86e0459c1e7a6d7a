import {expect} from 'chai'
import {stub as stubbed, useFakeTimers} from 'sinon'

import {outcomeOf, type LorchestraError} from '../../../src/base/errors.ts'
import {HEARTBEAT} from '../../../src/base/sign-of-life.ts'
import {bigQueryBehindRules} from '../../support/bigquery/for-each-test.ts'
import {call} from '../../support/bigquery/emulator.ts'
import {failedJob, type SeenRequest} from '../../support/bigquery/faulty-service.ts'
import {WholeDefinitions} from '../../support/bigquery/stub/rules.ts'
import type {BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const COLLISION = failedJob(
  'invalidQuery',
  'Transaction is aborted due to concurrent update against table p:d.raw_objects',
)
const LIFETIME = 14 * DAY
const MINUTE = 60_000
const full = {full: true}

const sqlOf = ({body}: SeenRequest): string =>
  body === '' || body.startsWith('--') ? '' : ((JSON.parse(body) as Sent).configuration?.query?.query ?? '')
interface Sent {
  readonly configuration?: {readonly query?: {readonly query: string}}
}
const isCommit = (request: SeenRequest): boolean => sqlOf(request).startsWith('BEGIN TRANSACTION')
const writesRows = (request: SeenRequest): boolean => isCommit(request) && sqlOf(request).includes('MERGE INTO')

describe('runs of BigQuery beside others', () => {
  const suite = bigQueryBehindRules(() => [new WholeDefinitions()])
  let underTest: BigQueryUnderTest
  const start = async (idleTimeout?: number): Promise<void> => {
    underTest = await suite.start(idleTimeout === undefined ? {} : {idleTimeout})
    await underTest.run({source: yielding({id: 'a', n: 1}), now: DAY})
    suite.service.forget()
  }
  const path = (table: string): string => `/datasets/${underTest.dataset}/tables/${table}`
  const leaseThere = async (): Promise<string> => {
    const lease = (await underTest.tables()).find((name) => name.startsWith('lorchestra_lease_'))
    if (lease === undefined) throw new Error('no lease is held')
    return lease
  }

  it('repeat a transaction that another one cancelled, alone, and read no stored payload again', async () => {
    await start()
    const noPauses = stubbed(Math, 'random').returns(-0.5)
    try {
      let collisions = 0
      suite.service.faults = (request) => (writesRows(request) && (collisions += 1) <= 9 ? COLLISION : undefined)
      const {error, counts} = await underTest.run({source: yielding({id: 'a', n: 2}), now: 2 * DAY, request: full})
      expect([error, counts.updated]).to.deep.equal([undefined, 1])
    } finally {
      noPauses.restore()
    }
    expect(suite.service.seen.filter(writesRows)).to.have.length(10)
    const classifying = suite.service.seen.filter((request) => /INSERT INTO `[^`]+_stored_/.test(sqlOf(request)))
    expect(classifying).to.have.length(1)
    expect((await underTest.logged()).filter(({type}) => type === 'ingestion.completed')).to.have.length(2)
  })

  it('end with a word where others cancel it for minutes, and write nothing of the commit', async () => {
    await start(6000)
    suite.service.faults = (request) => (writesRows(request) ? COLLISION : undefined)
    const {error} = await underTest.run({source: yielding({id: 'a', n: 2}), now: 2 * DAY, request: full})
    expect((error as LorchestraError).message).to.include('concurrentUpdate')
    expect((error as LorchestraError).next).to.include('Other runs or tools change the same table')
    expect(suite.service.seen.filter(writesRows).length).to.be.greaterThan(9)
    expect((await underTest.stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', n: 1}])
  })

  it('try a commit that others cancel once more where the run stops, at once, and not for minutes', async () => {
    await start()
    const stop = new AbortController()
    suite.service.faults = (request) => {
      if (!writesRows(request)) return undefined
      stop.abort(new Error('stopped'))
      return COLLISION
    }
    const source = yielding({id: 'a', n: 2})
    const {error} = await underTest.run({source, now: 2 * DAY, request: full, signal: stop.signal})
    expect((error as LorchestraError).message).to.include('concurrentUpdate')
    expect(suite.service.seen.filter(writesRows)).to.have.length(2)
    expect((await underTest.stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', n: 1}])
  })

  it('give their signs of life by the end of the lease, and by no statement that could cancel their own commit', async () => {
    await start()
    const timers = useFakeTimers({toFake: ['setInterval', 'clearInterval'], now: Date.now()})
    try {
      let end: number | undefined
      const source = scriptedSource(() => [], {
        async *extract() {
          timers.tick(HEARTBEAT)
          const lease = await leaseThere()
          // The request is under way by then.
          while (end === undefined) {
            const {expirationTime} = (await call(suite.stub.url, 'GET', path(lease))) as {expirationTime?: string}
            if (expirationTime !== undefined) end = Number(expirationTime)
          }
          yield {records: []}
        },
      })
      const {error} = await underTest.run({source, now: 2 * DAY})
      expect(error).to.equal(undefined)
      expect((end ?? 0) - Date.now()).to.be.within(LIFETIME - 5 * MINUTE, LIFETIME + MINUTE)
    } finally {
      timers.restore()
    }
    const ofLeases = suite.service.seen.filter(
      ({method, body}) => method === 'PATCH' || /UPDATE `[^`]+lease/.test(body),
    )
    expect(ofLeases.filter(({method}) => method === 'PATCH')).to.have.length(1)
    expect(ofLeases.filter((request) => sqlOf(request) !== '' && !isCommit(request))).to.deep.equal([])
  })

  for (const [silent, outcome] of [
    [MINUTE, 'busy'],
    [10 * MINUTE, undefined],
  ] as const) {
    it(`${outcome === 'busy' ? 'leave' : 'take'} a stream whose holder elsewhere gave its last sign of life ${silent / MINUTE} minutes ago`, async () => {
      await start()
      const elsewhere = JSON.stringify({
        process: {host: 'elsewhere', pid: 1, token: ''},
        startedAt: new Date(0).toISOString(),
      })
      let other: unknown
      const source = scriptedSource(() => [], {
        async *extract() {
          const lease = await leaseThere()
          await underTest.query(
            `UPDATE {${lease}} SET about = '${elsewhere}', heard = TIMESTAMP_SUB(CURRENT_TIMESTAMP(), INTERVAL 3 HOUR) WHERE TRUE`,
          )
          await call(suite.stub.url, 'PATCH', path(lease), {expirationTime: String(Date.now() + LIFETIME - silent)})
          const report = await underTest
            .run({source: yielding({id: 'b'}), now: 3 * DAY})
            .catch((error: unknown) => ({error}))
          other = report.error
          yield {records: []}
        },
      })
      await underTest.run({source, now: 2 * DAY}).catch(() => undefined)
      expect(other === undefined ? undefined : outcomeOf(other)).to.equal(outcome)
    })
  }
})
