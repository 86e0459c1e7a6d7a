import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import type {PromoteRequest, PromotionReport} from '../../src/run/promote-job.ts'
import {findRecord} from '../../src/report/find-record.ts'
import {recordMemberOf} from '../../src/report/record-text.ts'
import {dropTestTables} from '../../src/sink/beside-runs.ts'
import {PRODUCTION, SCOPE, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {testSetsAmong, withTestSet, type ProductionTables} from '../../src/model/tables.ts'
import {promote as promoteIn} from './promoting.ts'
import {withRunMode} from './run-mode.ts'
import {undo} from './undoing.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

const full = {full: true}
const key = (id: string): string => `thing:scripted--acct1:${id}`

/** What promotion and dropping of test tables promise on every warehouse. */
export function describePromotion(warehouse: () => WarehouseUnderTest): void {
  const promote = async (more: Partial<PromoteRequest> = {}): Promise<PromotionReport> =>
    promoteIn(() => warehouse().open(), {scopes: [SCOPE], diffSamples: 3, ...more})
  const test = async (run: Omit<ScriptedRun, 'folder'>): Promise<void> => {
    const {error} = await warehouse().run({mode: 'test-table', ...run})
    expect(error).to.equal(undefined)
  }
  const error = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => {
        throw new Error('it was not refused')
      },
      (thrown: unknown) => thrown,
    )
  const snapshot = async () => [await warehouse().stored(), await warehouse().logged()]

  it('makes production’s what a test run stored and covered, so that a plain run reads nothing again', async () => {
    const records = [1, 2, 3].map((at) => ({id: `r${at}`, at}))
    const source = scriptedSource(() => records)
    await test({source, now: DAY})
    const tested = await warehouse().stored('test_raw_objects')
    const {promoted} = await promote()
    expect(promoted?.counts).to.include({inserted: 3, updated: 0, unchanged: 0})
    expect(await warehouse().stored()).to.deep.equal(tested)
    source.calls.splice(0)
    const next = await warehouse().run({source, now: 2 * DAY})
    expect(next.counts.extracted).to.equal(0)
    expect(source.calls.map(({since}) => since)).to.deep.equal([DAY - 10 * 60_000])
    expect(await warehouse().stored('test_raw_objects')).to.deep.equal(tested)
  })

  it('is the run that a record names which it took over, until it is undone', async () => {
    const source = yielding({id: 'a'})
    await test({source, now: DAY, runId: 'tested'})
    const runsOf = async () => {
      const record = await findRecord(warehouse().open(), PRODUCTION, key('a'), {testTable: false})
      const {first_run: first, last_run: last} = recordMemberOf({...record, warehouse: 'it'})
      return [first, last]
    }
    const {promoted} = await promote()
    expect(await runsOf()).to.deep.equal([promoted?.runId, promoted?.runId])
    const runId = promoted?.runId ?? ''
    await undo(() => warehouse().open(), runId)
    const again = await promote()
    expect(await runsOf()).to.deep.equal([again.promoted?.runId, again.promoted?.runId])
    await warehouse().run({source, now: 2 * DAY, runId: 'later', request: full})
    expect(await runsOf()).to.deep.equal([again.promoted?.runId, 'later'])
  })

  it('is told in the log by a run of its own, with the runs whose rows it took', async () => {
    await test({source: yielding({id: 'a'}), now: DAY, runId: 'tested'})
    const {promoted} = await promote()
    const own = (await warehouse().logged()).filter(({runId}) => runId === promoted?.runId)
    expect(own.map(({type}) => type)).to.have.members([
      'job.started',
      'ingestion.completed',
      'schema.changed',
      'job.completed',
    ])
    expect(own.find(({type}) => type === 'job.started')?.payload).to.deep.include({
      promotion: {from: 'test_raw_objects', runs: ['tested'], started: [new Date(DAY).toISOString()]},
    })
    expect(own.find(({type}) => type === 'ingestion.completed')?.payload?.['counts']).to.include({inserted: 1})
  })

  it('changes what differs, keeps first_seen, and leaves alone what is the same', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    await test({source: yielding({id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'c'}), now: 2 * DAY})
    expect((await promote()).promoted?.counts).to.include({inserted: 1, updated: 1, unchanged: 1})
    expect(await warehouse().stored()).to.deep.equal([
      {key: key('a'), payload: {id: 'a', n: 2}, firstSeen: DAY, lastSeen: 2 * DAY},
      {key: key('b'), payload: {id: 'b', n: 1}, firstSeen: DAY, lastSeen: DAY},
      {key: key('c'), payload: {id: 'c'}, firstSeen: 2 * DAY, lastSeen: 2 * DAY},
    ])
  })

  it('says what it would do in a dry run, and writes nothing', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    await test({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY})
    const before = await snapshot()
    const {promoted, state} = await promote({mode: 'dry-run'})
    expect(promoted).to.equal(undefined)
    expect(state.diff.counts).to.include({insert: 1, update: 1, unchanged: 0})
    expect(state.diff.paths).to.deep.equal([{path: '/n', records: 1}])
    expect(await snapshot()).to.deep.equal(before)
  })

  it('refuses changed rows where production was written to since the test run began, or keeps production’s', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    await test({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: 2 * DAY})
    await warehouse().run({source: yielding({id: 'a', n: 3}), now: 3 * DAY, request: full})
    const before = await snapshot()
    const refused = await error(promote())
    expect(codeOf(refused)).to.equal('E_PROMOTION_REFUSED')
    expect(String(refused)).to.include('1 row has another value in production')
    expect(await snapshot()).to.deep.equal(before)
    expect((await promote({changed: 'skip'})).promoted?.counts).to.include({inserted: 1, updated: 0})
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', n: 3}, {id: 'b'}])
  })

  it('takes a production run for a later one that began before the test run, and committed after it', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    await test({source: yielding({id: 'a', n: 2}), now: 3 * DAY})
    let now = 2 * DAY
    const source = scriptedSource(() => [], {
      async *extract() {
        now = 4 * DAY
        yield await Promise.resolve({records: [{id: 'a', n: 3}]})
      },
    })
    await warehouse().run({source, now, clock: () => now, request: full, runId: 'slow'})
    const before = await snapshot()
    expect(String(await error(promote()))).to.include('run slow has written')
    expect(await snapshot()).to.deep.equal(before)
  })

  it('takes a production run for a later one that came after the test run by a clock that was set back', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}), now: DAY})
    await test({source: yielding({id: 'a', n: 2}), now: 3 * DAY})
    const source = yielding({id: 'a', n: 3})
    await warehouse().run({source, now: 3 * DAY - CLOCK_TOLERANCE, request: full, runId: 'behind'})
    const before = await snapshot()
    expect(String(await error(promote()))).to.include('run behind has written')
    expect(await snapshot()).to.deep.equal(before)
  })

  it('refuses what was promoted before, and takes what a further test run has added', async () => {
    await test({source: yielding({id: 'a'}), now: DAY})
    await promote()
    expect(codeOf(await error(promote()))).to.equal('E_PROMOTION_REFUSED')
    await test({source: yielding({id: 'a', n: 1}, {id: 'b'}), now: 2 * DAY, request: full})
    expect((await promote()).promoted?.counts).to.include({inserted: 1, updated: 1})
  })

  it('refuses rows that the log does not tell of', async () => {
    await test({source: yielding({id: 'a'}, {id: 'b'}), now: DAY})
    await warehouse().removeRow('test_raw_objects', key('b'))
    const before = await snapshot()
    expect(String(await error(promote()))).to.include('hold 1 rows of thing, but their log tells of 2')
    expect(await snapshot()).to.deep.equal(before)
  })

  it('refuses a limited run, another selection, another identity, and tables without a run', async () => {
    expect(codeOf(await error(promote()))).to.be.oneOf(['E_RUN_UNKNOWN', 'E_TABLE_MISSING'])
    await test({source: yielding({id: 'a'}), now: DAY, request: {limit: 1}})
    expect(String(await error(promote()))).to.include('--limit')
    await drop()
    await test({source: yielding({id: 'a'}), now: DAY, selection: 'other'})
    expect(String(await error(promote()))).to.include('another selection')
    await drop()
    const whose = (name: string) =>
      scriptedSource(() => [{id: 'a', at: 1}], {check: () => Promise.resolve({identity: name})})
    await warehouse().run({source: whose('her'), now: DAY})
    await test({source: whose('him'), now: 2 * DAY})
    expect(codeOf(await error(promote()))).to.equal('E_IDENTITY_CHANGED')
  })

  it('takes rejects and deletions over, and the bookmark on a first load alone', async () => {
    const source = scriptedSource(() => [], {
      currentBookmark: () => Promise.resolve('one'),
      canResume: () => Promise.resolve(true),
      async *extract({reject}) {
        reject('r1', 'it is damaged')
        yield await Promise.resolve({records: [{id: 'a'}], deleted: [key('gone')]})
      },
    })
    await test({source, now: DAY})
    const {promoted, leavesBookmark} = await promote()
    expect(leavesBookmark).to.equal(false)
    const own = (await warehouse().logged()).filter(({runId}) => runId === promoted?.runId)
    expect(own.map(({type}) => type)).to.include.members(['record.rejected', 'object.deleted'])
    const [state] = await warehouse().open().readStreamStates(PRODUCTION, [SCOPE])
    expect(state?.bookmark).to.deep.equal({value: 'one', at: DAY})
    await test({source, now: 2 * DAY, request: full})
    expect((await promote()).leavesBookmark).to.equal(true)
  })

  it('takes over the shape of the records where production knows none, and leaves what it knows', async () => {
    await test({source: yielding({id: 'a', n: 1}), now: DAY})
    await promote()
    const frozen = {schema: 'freeze', request: full} as const
    const same = await warehouse().run({source: yielding({id: 'b', n: 2}), now: 2 * DAY, ...frozen})
    expect([same.error, same.schema.changes]).to.deep.equal([undefined, []])
    await test({source: yielding({id: 'a', n: 1}, {id: 'c', extra: 1}), now: 3 * DAY, request: full})
    await promote({changed: 'skip'})
    const other = await warehouse().run({source: yielding({id: 'c', extra: 1}), now: 4 * DAY, ...frozen})
    expect(codeOf(other.error)).to.equal('E_SCHEMA_FROZEN')
  })

  it('goes from the set of test tables that is named, and from no other', async () => {
    const alice = withTestSet(PRODUCTION, 'alice')
    await test({source: yielding({id: 'a'}), now: DAY})
    await test({source: yielding({id: 'a'}, {id: 'b'}), now: DAY, tables: alice})
    expect(testSetsAmong(await warehouse().open().tablesThatBegin('test_'), PRODUCTION)).to.deep.equal([
      PRODUCTION,
      alice,
    ])
    const others = [await warehouse().stored('test_raw_objects'), await warehouse().logged('test_event_log')]
    expect((await promote({production: alice})).promoted?.counts).to.include({inserted: 2})
    expect(await drop('test-table', alice)).to.deep.equal(['test_event_log__alice', 'test_raw_objects__alice'])
    expect([await warehouse().stored('test_raw_objects'), await warehouse().logged('test_event_log')]).to.deep.equal(
      others,
    )
    expect(await warehouse().stored()).to.have.lengthOf(2)
  })

  const drop = async (mode: 'test-table' | 'dry-run' = 'test-table', production: ProductionTables = PRODUCTION) =>
    withRunMode(mode, async () => dropTestTables({warehouse: warehouse().open(), production}, mode))

  it('drops the test tables, and no other', async () => {
    await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    await test({source: yielding({id: 'a'}), now: DAY})
    expect(await drop('dry-run')).to.equal(undefined)
    expect(await warehouse().tables()).to.include.members(['test_event_log', 'test_raw_objects'])
    const before = await snapshot()
    expect(await drop()).to.deep.equal(['test_event_log', 'test_raw_objects'])
    expect((await warehouse().tables()).filter((name) => name.startsWith('test_'))).to.deep.equal([])
    expect(await snapshot()).to.deep.equal(before)
  })

  it('refuses to promote, or to drop, in a mode that was not set for it', async () => {
    await test({source: yielding({id: 'a'}), now: DAY})
    const place = {warehouse: warehouse().open(), production: PRODUCTION}
    const begin = withRunMode('test-table', async () => dropTestTables(place, 'production'))
    expect(outcomeOf(await error(begin))).to.equal('mode')
    expect(outcomeOf(await error(promote({mode: 'test-table'})))).to.equal('mode')
    expect(await warehouse().tables()).to.include('test_raw_objects')
  })
}
