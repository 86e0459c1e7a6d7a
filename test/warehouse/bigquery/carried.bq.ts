import {expect} from 'chai'

import {createEvent} from '../../../src/model/events.ts'
import type {JsonObject} from '../../../src/source.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {billOf} from '../../support/bigquery/old-log.ts'
import {PRODUCTION, SCOPE} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY} from '../../support/warehouse-contract.ts'

const HOUR = DAY / 24

describe('what runs in BigQuery read of a log that grows old', () => {
  const suite = faultyBigQueryForEachTest()
  const source = (bookmark: string, ...records: readonly JsonObject[]) =>
    scriptedSource(() => [], {
      currentBookmark: () => Promise.resolve(bookmark),
      canResume: () => Promise.resolve(false),
      check: () => Promise.resolve({identity: 'her'}),
      async *extract({reject}) {
        reject('bad', 'it is damaged')
        yield await Promise.resolve({records})
      },
    })
  const run = async (at: number, id: string, more: readonly JsonObject[] = []) => {
    const report = await suite.underTest.run({source: source(id, {id: 'a', n: 1}, ...more), now: at, runId: id})
    expect(report.error).to.equal(undefined)
    return report
  }
  const told = async () => {
    const open = suite.underTest.open()
    const [state] = await open.readStreamStates(PRODUCTION, [SCOPE])
    return {state, described: (await open.describe(PRODUCTION)).streams}
  }
  const carried = async (): Promise<number> =>
    (await suite.underTest.logged()).filter(({type}) => type === 'state.carried').length
  const partsRead = (): readonly string[] =>
    suite.service.seen
      .map(({body}) => /at_ms >= (\d+) ORDER BY|TRUE ORDER BY at_ms/.exec(body))
      .flatMap((match) => (match === null ? [] : [match[1] === undefined ? 'all' : 'newest']))

  const sent = (): readonly string[] =>
    suite.service.seen.flatMap(({body}) => {
      const job = body.startsWith('{') ? (JSON.parse(body) as {configuration?: {query?: {query?: string}}}) : {}
      return job.configuration?.query?.query ?? []
    })

  it('is its newest days: what is older is carried, and can be deleted', async () => {
    const now = Date.now()
    await run(now - 100 * DAY, 'first')
    await run(now - 99 * DAY, 'second', [{id: 'b', more: 'of it'}])
    await run(now - HOUR, 'third')
    expect(await carried()).to.equal(2)
    const before = await told()
    expect(before.state?.covered.length).to.be.greaterThan(0)
    expect(before.state).to.include.keys('bookmark', 'identity')
    expect(before.state?.schema.length).to.be.greaterThan(0)
    await suite.underTest.query(`DELETE FROM {event_log} WHERE created_at < TIMESTAMP_MILLIS(${now - 90 * DAY})`)
    expect(await told()).to.deep.equal(before)
    suite.service.forget()
    const {firstRejects, counts} = await run(now, 'fourth')
    expect([firstRejects, counts.inserted]).to.deep.equal([0, 0])
    expect(partsRead()).to.deep.equal(['newest'])
    expect(await carried()).to.equal(1)
  })

  it('is all of it once where nothing is carried, and again after an undo, whose runs count no more', async () => {
    const now = Date.now()
    await run(now - 3 * HOUR, 'first')
    const before = await told()
    suite.service.forget()
    await run(now - 2 * HOUR, 'second')
    expect(partsRead()).to.deep.equal(['newest', 'all'])
    await suite.underTest.query(`DELETE FROM {event_log} WHERE event_type = 'state.carried'`)
    await run(now - HOUR, 'third')
    expect((await told()).state).to.not.deep.equal(before.state)
    const event = (type: 'job.started' | 'run.undone' | 'job.completed', payload: JsonObject) =>
      createEvent({type, runId: 'undoing', at: new Date(now), payload})
    const writer = await suite.underTest
      .open()
      .begin({tables: PRODUCTION, runId: 'undoing', scopes: [SCOPE], started: () => event('job.started', {})})
    await writer.commit({runStartedAt: new Date(now), records: [], loneRecords: [], events: [], rows: 0}, () => [
      event('run.undone', {schema: 1, requires: 1, runs: ['second', 'third']}),
      event('job.completed', {}),
    ])
    await writer.close()
    suite.service.forget()
    expect(await told()).to.deep.equal(before)
    expect(partsRead()).to.deep.equal(['newest', 'all'])
    suite.service.forget()
    await run(now, 'fourth')
    await told()
    expect(partsRead()).to.deep.equal(['newest', 'all', 'newest'])
  })

  it('tells of open rejects, which are counted without what is older', async () => {
    const now = Date.now()
    const rejecting = (...references: readonly string[]) =>
      scriptedSource(() => [], {
        async *extract({reject}) {
          for (const reference of references) reject(reference, 'it is damaged')
          yield await Promise.resolve({records: []})
        },
      })
    const runOf = async (at: number, runId: string, references: readonly string[], request = {}) => {
      const report = await suite.underTest.run({source: rejecting(...references), now: at, runId, request})
      expect(report.error).to.equal(undefined)
      return report.openRejects
    }
    expect(await runOf(now - 100 * DAY, 'first', ['old', 'again'])).to.equal(2)
    await runOf(now - 99 * DAY, 'second', [])
    await runOf(now - 2 * HOUR, 'third', [])
    await suite.underTest.query(`DELETE FROM {event_log} WHERE created_at < TIMESTAMP_MILLIS(${now - 90 * DAY})`)
    suite.service.forget()
    expect(await runOf(now - HOUR, 'fourth', ['new'])).to.equal(3)
    expect(sent().filter((sql) => sql.includes("TIMESTAMP('0001"))).to.deep.equal([])
    expect(await runOf(now - HOUR / 2, 'whole', ['again'], {full: true})).to.equal(1)
    expect(await runOf(now - HOUR / 3, 'last', ['new'])).to.equal(2)
  })

  it('is not read whole by those who list what is new: as many days as hold the runs, and for rejects and gaps as are asked for', async () => {
    const now = Date.now()
    await run(now - 100 * DAY, 'old')
    await run(now - 2 * HOUR, 'new')
    const open = suite.underTest.open()
    const whole = (): number => sent().filter((sql) => sql.includes("TIMESTAMP('0001")).length
    const read = async <Answer>(reading: () => Promise<Answer>): Promise<Answer> => {
      suite.service.forget()
      return reading()
    }
    const runs = async (limit: number, since?: number): Promise<readonly string[]> => {
      const wanted = {limit, ...(since !== undefined && {since})}
      const events = await read(async () => open.readRunEvents(PRODUCTION, wanted))
      return [...new Set(events.map(({runId}) => runId))]
    }
    expect([await runs(1), sent().length, whole()]).to.deep.equal([['new'], 1, 0])
    expect([await runs(2), sent().length, whole()]).to.deep.equal([['old', 'new'], 3, 1])
    expect([await runs(2, now - 30 * DAY), whole()]).to.deep.equal([['new'], 0])
    const wanted = {of: {job: 'job'}, closedToo: true, limit: 10, since: now - 90 * DAY}
    const rejects = await read(async () => open.readRejects(PRODUCTION, wanted))
    expect([rejects?.map(({runId}) => runId), whole()]).to.deep.equal([['new'], 0])
    const all = (await open.describe(PRODUCTION)).streams
    const {streams} = await read(async () => open.describe(PRODUCTION, new Date(now - 60 * DAY)))
    expect([streams, whole()]).to.deep.equal([all, 0])
  })

  it('is the same after one year and after five, whatever the run does: rejects, changed rows, a diff, test tables', async () => {
    const now = Date.now()
    await run(now - 2 * HOUR, 'first')
    await run(now - HOUR, 'second')
    const bytesADay = 20 * (96 * 970 + 4 * 10_000)
    for (const mode of ['production', 'dry-run', 'test-table'] as const) {
      const again = {source: source('again', {id: 'a', n: mode}, {id: 'b'}), now, runId: mode, mode, diffSamples: 3}
      for (const [place, before] of (mode === 'test-table' ? [HOUR, HOUR / 2] : []).entries())
        await suite.underTest.run({...again, runId: `before-${place}`, now: now - before, request: {full: true}})
      suite.service.forget()
      const {error, counts} = await suite.underTest.run({...again, request: {full: true}})
      expect([error, counts.rejected], mode).to.deep.equal([undefined, 1])
      const bills = [1, 5].map((years) =>
        sent().reduce((sum, sql) => sum + billOf(sql, {days: years * 365, bytesADay, besideRows: true}), 0),
      )
      expect(bills[0], mode).to.equal(bills[1])
      expect((bills[0] ?? 0) / 1024 / 1024, mode).to.be.within(10, 400)
    }
  })

  it('bills under 60 MB where nothing is new, after five years of 20 streams every quarter of an hour', async () => {
    const now = Date.now()
    await run(now - 2 * HOUR, 'first')
    await run(now - HOUR, 'second')
    suite.service.forget()
    const nothing = scriptedSource(() => [])
    expect((await suite.underTest.run({source: nothing, now, runId: 'third'})).error).to.equal(undefined)
    const statements = sent()
    const streams = 20
    const log = {days: 5 * 365, bytesADay: streams * (96 * 970 + 4 * 10_000)}
    const bytes = statements.reduce((sum, sql) => sum + billOf(sql, log), 0)
    expect(statements.length).to.be.greaterThan(3)
    expect(bytes / 1024 / 1024).to.be.within(40, 60)
    expect(
      billOf('SELECT 1 FROM `p.d.event_log`WHERE created_at >= TIMESTAMP("0001-01-01T00:00:00Z")', log),
    ).to.be.greaterThan(4e9)
  })
})
