import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {ownProcess} from '../../src/base/process-identity.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import {createEvent} from '../../src/model/events.ts'
import type {PromoteRequest, PromotionReport} from '../../src/run/promote-job.ts'
import {seedJob, type SeedReport, type SeedRequest} from '../../src/run/seed-job.ts'
import {shiftClock} from './loop/shifted-clock.ts'
import {breakingIn} from './breaking-writer.ts'
import {promote as promoteIn} from './promoting.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, TEST, SCOPE, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {undo as undoIn} from './undoing.ts'
import {DAY, yielding, type Remembering, type WarehouseUnderTest} from './warehouse-contract.ts'

const full = {full: true}
const key = (id: string): string => `thing:scripted--acct1:${id}`
/** Seeds and promotions happen now. */
const NOW = Math.floor(Date.now() / DAY) * DAY
const BEFORE = NOW - 10 * DAY
const LATER = NOW + 2 * DAY

/** What seeding test tables promises on every warehouse. */
export function describeSeed(warehouse: () => WarehouseUnderTest, {remember}: Remembering = {}): void {
  const place = () => ({warehouse: warehouse().open(), production: PRODUCTION, maskSecrets: (text: string) => text})
  const seed = async ({mode = 'test-table', ...more}: Partial<SeedRequest> = {}): Promise<SeedReport> =>
    withRunMode(mode, async () => seedJob({...place(), scopes: [SCOPE], mode, estimated: () => {}, ...more}))
  const promote = async (more: Partial<PromoteRequest> = {}): Promise<PromotionReport> =>
    promoteIn(() => warehouse().open(), {scopes: [SCOPE], diffSamples: 3, ...more})
  const undo = async (runId: string) => undoIn(() => warehouse().open(), runId)
  const run = async (scripted: Omit<ScriptedRun, 'folder'>) => {
    const result = await warehouse().run(scripted)
    expect(result.error).to.equal(undefined)
    return result
  }
  const test = async (scripted: Omit<ScriptedRun, 'folder'>) => run({mode: 'test-table', ...scripted})
  const refusal = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => {
        throw new Error('it was not refused')
      },
      (error: unknown) => error,
    )
  const stored = async (table?: string) =>
    (await warehouse().stored(table)).map(({payload, firstSeen, lastSeen}) => [payload, firstSeen, lastSeen])
  const snapshot = async (...[objects, log]: readonly (string | undefined)[]) => [
    await warehouse().stored(objects),
    await warehouse().logged(log),
  ]

  it('has a test run read what a run in production would read, and meet what that would change', async () => {
    const records = [1, 2, 3].map((at) => ({id: `r${at}`, at: BEFORE - at}))
    const source = scriptedSource(() => records, {currentBookmark: () => Promise.resolve('one')})
    await run({source, now: BEFORE})
    const before = await snapshot()
    const {seeded} = await seed()
    expect(seeded?.rows).to.deep.equal(new Map([['thing', 3]]))
    expect(await warehouse().stored('test_raw_objects')).to.deep.equal(before[0])
    expect(await snapshot()).to.deep.equal(before)
    const states = await Promise.all(
      [PRODUCTION, TEST].map(async (tables) => (await place().warehouse.readStreamStates(tables, [SCOPE]))[0]),
    )
    expect(states[1]?.covered).to.deep.equal(states[0]?.covered)
    expect(states[1]?.bookmark).to.deep.equal(states[0]?.bookmark)
    source.calls.splice(0)
    records.splice(0, 3, {id: 'r1', at: LATER - 2}, {id: 'r4', at: LATER - 1})
    const {counts} = await test({source: scriptedSource(() => records), now: LATER})
    expect(counts).to.include({extracted: 2, inserted: 1, updated: 1, unchanged: 0})
  })

  it('ends in a promotion of what the test runs have read, and of nothing else', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}, {id: 'c'}), now: BEFORE})
    await seed()
    await test({source: yielding({id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'd'}), now: LATER})
    const {promoted, state} = await promote()
    expect(state.diff.counts).to.include({insert: 1, update: 1, unchanged: 2})
    expect(promoted?.counts).to.include({inserted: 1, updated: 1, unchanged: 2})
    expect(await stored()).to.deep.equal([
      [{id: 'a', n: 2}, BEFORE, LATER],
      [{id: 'b', n: 1}, BEFORE, BEFORE],
      [{id: 'c'}, BEFORE, BEFORE],
      [{id: 'd'}, LATER, LATER],
    ])
    const events = (await warehouse().logged()).filter(({runId}) => runId === promoted?.runId)
    const windows = events.filter(({type}) => type === 'ingestion.completed').map(({payload}) => payload?.['window'])
    expect(windows).to.deep.equal([
      {since: new Date(BEFORE - CLOCK_TOLERANCE).toISOString(), until: new Date(LATER).toISOString()},
    ])
    expect(codeOf(await refusal(promote()))).to.equal('E_PROMOTION_REFUSED')
  })

  it('takes no row back to what it was when it was copied, where somebody has edited it in production since', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: BEFORE})
    await seed()
    await test({source: yielding({id: 'a', n: 2}), now: LATER})
    await warehouse().edit(key('b'), {id: 'b', n: 'by hand'})
    expect(codeOf(await refusal(promote()))).to.equal('E_PROMOTION_REFUSED')
    const {promoted} = await promote({changed: 'skip'})
    expect(promoted?.counts).to.include({inserted: 0, updated: 0})
    expect((await stored()).map(([payload]) => payload)).to.deep.equal([
      {id: 'a', n: 1},
      {id: 'b', n: 'by hand'},
    ])
  })

  it('leaves a promotion that can be undone', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b'}), now: BEFORE})
    const before = await stored()
    await seed()
    await test({source: yielding({id: 'a', n: 2}, {id: 'b'}, {id: 'c'}), now: LATER})
    await remember?.()
    const {promoted} = await promote()
    await undo(promoted?.runId ?? '')
    expect(await stored()).to.deep.equal(before)
    expect((await promote()).promoted?.counts).to.include({inserted: 1, updated: 1})
  })

  it('promotes nothing where nothing was read since, and no rows that the log knows nothing of', async () => {
    await run({source: yielding({id: 'a'}, {id: 'b'}), now: BEFORE})
    await seed()
    const before = await snapshot()
    expect(String(await refusal(promote()))).to.include('no test run has read anything')
    await test({source: yielding({id: 'c'}), now: LATER})
    await warehouse().removeRow('test_raw_objects', key('b'))
    expect(String(await refusal(promote()))).to.include('hold 2 rows of thing, but their log tells of 3')
    expect(await snapshot()).to.deep.equal(before)
  })

  it('without its event is refused by a promotion, and by a further seed', async () => {
    await run({source: yielding({id: 'a'}, {id: 'b'}), now: BEFORE})
    const about = {
      job: 'job',
      account: 'acct1',
      mode: 'test-table',
      streams: ['scripted--acct1/thing'],
      process: {...(await ownProcess())},
    }
    const event = (type: 'job.started' | 'job.completed') =>
      createEvent({type, runId: 'silent', at: new Date(NOW), payload: about})
    const started = () => event('job.started')
    const writer = await warehouse()
      .open()
      .begin({tables: TEST, definitionFrom: PRODUCTION, runId: 'silent', scopes: [SCOPE], started})
    await writer.seed({from: PRODUCTION, streams: [SCOPE.stream], events: () => [event('job.completed')]})
    await writer.close()
    expect(String(await refusal(seed()))).to.include('hold 2 rows of thing already')
    await test({source: yielding({id: 'c'}), now: LATER})
    expect(String(await refusal(promote()))).to.include('hold 3 rows of thing, but their log tells of 1')
    expect(await warehouse().stored()).to.have.lengthOf(2)
  })

  it('is no reason to overwrite what runs in production have changed since', async () => {
    await run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: BEFORE})
    await seed()
    await test({source: yielding({id: 'b', n: 2}, {id: 'c'}), now: LATER})
    await run({source: yielding({id: 'a', n: 3}), now: LATER + 1000})
    const before = await snapshot()
    expect(String(await refusal(promote()))).to.include('2 rows have another value in production')
    expect(await snapshot()).to.deep.equal(before)
    expect((await promote({changed: 'skip'})).promoted?.counts).to.include({inserted: 1, updated: 0})
    expect((await stored()).map(([payload]) => payload)).to.deep.equal([{id: 'a', n: 3}, {id: 'b', n: 1}, {id: 'c'}])
  })

  it('is no reason to overwrite what a commit that was under way meanwhile has changed', async () => {
    await run({source: yielding({id: 'a', n: 1}), now: BEFORE})
    await seed()
    await test({source: yielding({id: 'b'}), now: LATER})
    // It is told at an instant before the seed, and written after it.
    await run({source: yielding({id: 'a', n: 2}), now: BEFORE + DAY, request: full})
    expect(String(await refusal(promote()))).to.include('1 row has another value in production, which was written to')
    expect((await promote({changed: 'skip'})).promoted?.counts).to.include({inserted: 1, updated: 0})
    expect((await stored()).map(([payload]) => payload)).to.deep.equal([{id: 'a', n: 2}, {id: 'b'}])
  })

  it('never brings back what was undone, or removed, in production', async () => {
    await run({source: yielding({id: 'a'}), now: BEFORE})
    const {runId} = await run({source: yielding({id: 'a'}, {id: 'b'}), now: BEFORE + DAY, request: full})
    await seed()
    await test({source: yielding({id: 'b'}, {id: 'c'}), now: LATER})
    await warehouse().removeRow('raw_objects', key('a'))
    expect(String(await refusal(promote()))).to.include('production lacks 1 of the rows')
    await undo(runId)
    expect(String(await refusal(promote()))).to.include('were undone in production since')
    expect(await warehouse().stored()).to.deep.equal([])
  })

  it('is none where it broke off: a promotion owes nothing to what was undone since', async () => {
    await run({source: yielding({id: 'a'}), now: BEFORE})
    await remember?.()
    const {runId} = await run({source: yielding({id: 'gone'}), now: NOW, request: full})
    const breaking = {...place(), warehouse: breakingIn('seed', warehouse().open())}
    const request = {...breaking, scopes: [SCOPE], mode: 'test-table', estimated: () => {}} as const
    const broken = withRunMode('test-table', async () => seedJob(request))
    expect(String(await refusal(broken))).to.include('the connection broke')
    await undo(runId)
    await test({source: yielding({id: 'a', n: 2}, {id: 'b'}), now: LATER})
    expect((await promote()).promoted?.counts).to.include({inserted: 1, updated: 1})
  })

  it('ends in a promotion although an undo of what it copied was begun, and broke off', async () => {
    const {runId} = await run({source: yielding({id: 'a'}), now: Date.now() - 60_000})
    await seed()
    const broken = undoIn(() => breakingIn('undo', warehouse().open()), runId)
    expect(String(await refusal(broken))).to.include('the connection broke')
    await test({source: yielding({id: 'b'}), now: LATER})
    expect((await promote()).promoted?.counts).to.include({inserted: 1, updated: 0})
  })

  it('never brings back what was undone since, by a clock that was set back', async () => {
    await run({source: yielding({id: 'a', n: 1}), now: Date.now() - DAY})
    await remember?.()
    const {runId} = await run({source: yielding({id: 'a', n: 2}), now: Date.now(), request: full})
    await seed()
    await test({source: yielding({id: 'b'}), now: Date.now()})
    shiftClock(-CLOCK_TOLERANCE)
    try {
      await undo(runId)
    } finally {
      shiftClock(0)
    }
    expect(String(await refusal(promote()))).to.include('were undone in production since')
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', n: 1}])
  })

  it('is refused where the test tables hold something already, and where production holds nothing', async () => {
    expect(codeOf(await refusal(seed()))).to.equal('E_SEED_REFUSED')
    await run({source: yielding({id: 'a'}), now: BEFORE})
    await seed()
    const before = await snapshot('test_raw_objects', 'test_event_log')
    expect(codeOf(await refusal(seed()))).to.equal('E_SEED_REFUSED')
    expect(await snapshot('test_raw_objects', 'test_event_log')).to.deep.equal(before)
    const other = {...SCOPE, stream: {sourceSystem: 'scripted--acct2', objectType: 'thing'}, account: 'acct2'}
    await run({source: yielding({id: 'a'}), now: BEFORE, account: 'acct2'})
    expect((await seed({scopes: [other]})).seeded?.rows).to.deep.equal(new Map([['thing', 1]]))
  })

  it('is told beforehand in a dry run, which writes nothing, and begins in no other mode', async () => {
    await run({source: yielding({id: 'a'}), now: BEFORE})
    const tables = await warehouse().tables()
    const {estimate, seeded} = await seed({mode: 'dry-run'})
    expect([estimate.rows, seeded]).to.deep.equal([new Map([['thing', 1]]), undefined])
    expect(outcomeOf(await refusal(seed({mode: 'production'})))).to.equal('mode')
    expect(await warehouse().tables()).to.deep.equal(tables)
  })
}
