import {mkdtemp, readFile, rm, writeFile} from 'node:fs/promises'
import {createServer, type Server} from 'node:http'
import type {AddressInfo} from 'node:net'
import {tmpdir} from 'node:os'
import {join} from 'node:path'
import {text} from 'node:stream/consumers'

import {expect} from 'chai'
import Mocha from 'mocha'

import {expectFailures, isExpectedToFail} from '../../support/bigquery/expected-failures.ts'
import {ASSUMPTIONS} from '../../support/bigquery/live/assumptions.ts'
import {assertReplaceable, formatReport, judge, writeReport} from '../../support/bigquery/live/report.ts'
import {openService, type LiveService} from '../../support/bigquery/live/service.ts'

const GB = 1e9
const HOUR = 3_600_000

interface Seen {
  readonly method: string
  readonly url: string
  readonly body: string
}

describe('the live suite of BigQuery', () => {
  let server: Server
  let service: LiveService
  let datasets: readonly object[] = []
  const seen: Seen[] = []
  beforeEach(async () => {
    seen.splice(0)
    let jobs = 0
    server = createServer((incoming, outgoing) => {
      void text(incoming).then((body) => {
        const {method = '', url = ''} = incoming
        seen.push({method, url, body})
        const answer = url.includes('/queries')
          ? {jobReference: {jobId: `job-${(jobs += 1)}`}, jobComplete: true, totalBytesBilled: String(6 * GB)}
          : {datasets}
        outgoing.writeHead(200, {'content-type': 'application/json'})
        outgoing.end(JSON.stringify(answer))
      })
    })
    await new Promise<void>((listening) => {
      server.listen(0, '127.0.0.1', listening)
    })
    const endpoint = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    service = await openService({location: 'US', endpoint, ceiling: 10 * GB})
  })
  afterEach(async () => {
    await service.close()
    server.close()
  })

  it('gives each statement what is left of its ceiling, and sends none when nothing is left', async () => {
    await service.query('SELECT 1')
    await service.query('SELECT 2 FROM `a`, `b`')
    const refused = await service.query('SELECT 3').catch(String)
    expect(refused).to.include('bytesBilledLimitExceeded')
    const ceilings = seen.map(({body}) => (JSON.parse(body) as {maximumBytesBilled: string}).maximumBytesBilled)
    expect(ceilings).to.deep.equal([String(10 * GB), String(4 * GB)])
    expect(service.spent).to.deep.equal({statements: 2, billed: 12 * GB, least: 2 * 10 * 1024 * 1024})
  })

  it('removes what it made, and what runs left that were killed hours ago, and nothing else', async () => {
    const now = Date.now()
    const dataset = (datasetId: string, madeAt?: number): object => ({
      datasetReference: {datasetId},
      ...(madeAt !== undefined && {labels: {'lorchestra-live': String(madeAt)}}),
    })
    datasets = [
      dataset('lorchestra_live_old', now - 7 * HOUR),
      dataset('lorchestra_live_running', now - HOUR),
      dataset('lorchestra_live_without_label'),
      dataset('warehouse', now - 7 * HOUR),
    ]
    expect(await service.removeLeftovers(now)).to.deep.equal(['lorchestra_live_old'])
    const own = await service.createDataset()
    await service.close()
    const removed = seen.filter(({method}) => method === 'DELETE').map(({url}) => /datasets\/(\w+)/.exec(url)?.[1])
    expect(removed).to.deep.equal(['lorchestra_live_old', own])
  })

  it('has for each assumption one id and a sentence', () => {
    expect(new Set(ASSUMPTIONS.map(({id}) => id)).size).to.equal(ASSUMPTIONS.length)
    for (const {id, says} of ASSUMPTIONS) {
      expect(id).to.match(/^[a-z0-9-]+$/)
      expect(says).to.match(/^\S.*\.$/)
    }
  })

  it('calls an assumption confirmed, refuted or not reached by the tests that need it', () => {
    const [confirmed, refuted, broken, unknown] = [
      'table-expiration-inherited',
      'numbers-rounded',
      'time-travel',
      'rights-are-told',
    ].map((id) => `an assumption about BigQuery ${id}`)
    const wrong = Object.assign(new Error('it is another'), {name: 'AssertionError'})
    const verdicts = judge([
      {fullTitle: confirmed ?? ''},
      {fullTitle: refuted ?? '', error: wrong},
      {fullTitle: broken ?? '', error: new Error('the network')},
      {fullTitle: 'undo with BigQuery one'},
      {fullTitle: 'undo with BigQuery two', error: wrong},
      {fullTitle: 'plans with BigQuery – cannot: so', isKnownToFail: true},
    ])
    const of = (id: string): unknown => verdicts.find(({assumption}) => assumption.id === id)?.verdict
    expect([confirmed, refuted, broken, unknown].map((title) => of(title?.split(' ').at(-1) ?? ''))).to.deep.equal([
      'confirmed',
      'refuted',
      'not reached',
      'not reached',
    ])
    expect([of('undo'), of('plans'), of('blocks-prune')]).to.deep.equal(['refuted', 'refuted', 'not reached'])
  })

  it("never replaces a report that was made on Google's service by one of an emulator", async () => {
    const folder = await mkdtemp(join(tmpdir(), 'lorchestra-live-'))
    const path = join(folder, 'report.md')
    const spent = {statements: 1, billed: 1, least: 1}
    const report = {
      service: "Google's service",
      project: 'secret-project',
      isGoogle: true,
      at: new Date(),
      ceiling: GB,
      spent,
      ended: [{fullTitle: 'one', error: new Error('nothing in secret-project')}],
    }
    await assertReplaceable(path, false)
    await writeReport(path, report)
    const emulated = {...report, service: 'bqemulator 1.4.0', isGoogle: false}
    const refused = await writeReport(path, emulated).catch(String)
    expect(refused).to.include('BIGQUERY_LIVE_REPORT')
    const written = await readFile(path, 'utf8')
    expect(written).to.include('nothing in PROJECT').and.not.include('secret-project')
    await writeFile(path, formatReport(emulated))
    await writeReport(path, report)
    await rm(folder, {recursive: true})
  })
})

describe('the list of what an emulator cannot do', () => {
  const suiteOf = (tests: Readonly<Record<string, () => Promise<void>>>): Mocha.Suite => {
    const suite = new Mocha.Suite('a suite')
    for (const [title, fn] of Object.entries(tests)) suite.addTest(new Mocha.Test(title, fn))
    return suite
  }
  const fails = async (): Promise<void> => Promise.reject(new Error('no'))
  const passes = async (): Promise<void> => Promise.resolve()
  const run = async (suite: Mocha.Suite, place: number): Promise<string> =>
    Promise.resolve((suite.tests[place] as unknown as {fn: () => Promise<void>}).fn.call(suite.ctx)).then(
      () => 'passed',
      String,
    )

  it('turns a failure that it names into a pass, and a pass into a failure that says that it is no longer true', async () => {
    const suite = suiteOf({one: fails, two: passes, three: fails})
    expectFailures(suite, {'a suite': {one: 'so it is', two: 'it was so'}})
    expect(suite.tests[0]?.title).to.equal('one – cannot: so it is')
    expect(await run(suite, 0)).to.equal('passed')
    expect(await run(suite, 1)).to.include('"it was so" is no longer true, take it out')
    expect(await run(suite, 2)).to.equal('Error: no')
    expect(suite.tests.map((test) => isExpectedToFail(test))).to.deep.equal([true, true, false])
  })

  it('names no test that is not there', () => {
    expect(() => expectFailures(suiteOf({one: fails}), {'a suite': {other: 'why'}})).to.throw(
      'no test of "a suite" is called "other"',
    )
  })
})
