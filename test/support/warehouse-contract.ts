import {expect} from 'chai'
import {stub} from 'sinon'

import {outcomeOf} from '../../src/base/errors.ts'
import {ownProcess} from '../../src/base/process-identity.ts'
import {createEvent} from '../../src/model/events.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import type {Page} from '../../src/source.ts'
import {readAgain} from '../../src/run/read-again.ts'
import {changesAsPayload} from '../../src/warehouse/schema-events.ts'
import type {WantedRuns} from '../../src/warehouse/wanted-runs.ts'
import type {WantedRejects, Warehouse} from '../../src/warehouse/warehouse.ts'
import {Archive, archiveSource} from './archive-source.ts'
import {Ledger, ledgerSource} from './ledger-source.ts'
import type {EndedApart, RunApart} from './run-apart.ts'
import {shiftClock} from './loop/shifted-clock.ts'
import {PRODUCTION, TEST, type ScriptedResult, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource, windowOf, type ScriptedRecord} from './scripted-source.ts'

export interface Remembering {
  /** Makes an emulator remember what the table holds, which the service itself always does. */
  readonly remember?: () => Promise<void>
}

export interface StoredRow {
  readonly key: string
  readonly payload: unknown
  /** Milliseconds since 1970. */
  readonly firstSeen: number
  readonly lastSeen: number
}

export interface LoggedEvent {
  readonly type: string
  readonly objectType: string | null
  readonly runId: string
  readonly error: string | null
  readonly payload: Readonly<Record<string, unknown>> | null
}

/** A warehouse and a way to look into it from outside. */
export interface WarehouseUnderTest {
  /** Removed after the test. */
  readonly folder: string
  open(signal?: AbortSignal): Warehouse
  run(run: Omit<ScriptedRun, 'folder'>): Promise<ScriptedResult>
  /** Each in a process of its own, all at the same moment. */
  runApart(runs: readonly RunApart[]): Promise<readonly EndedApart[]>
  /** By key; empty where there is no such table. */
  stored(table?: string): Promise<readonly StoredRow[]>
  /** In the order of the types' names. */
  logged(table?: string): Promise<readonly LoggedEvent[]>
  tables(): Promise<readonly string[]>
  setLastSeen(milliseconds: number): Promise<void>
  /** As somebody does who logs nothing. */
  removeRow(table: string, key: string): Promise<void>
  /** Gives a row of production another payload, as somebody would by hand. */
  edit(key: string, payload: object): Promise<void>
  /** Adds a row to production that holds what the one of `key` does, as somebody would by hand. */
  copyRow(key: string, copy: string): Promise<void>
}

/** It takes statements past everything of ours, too; tables stand in braces. */
export interface ByHandUnderTest extends WarehouseUnderTest {
  query(sql: string): Promise<readonly Readonly<Record<string, unknown>>[]>
}

export const DAY = 86_400_000
const record = (id: string, at: number, more: object = {}): ScriptedRecord => ({id, at, ...more})
export const yielding = (...records: readonly object[]) =>
  scriptedSource(() => [], {
    async *extract() {
      yield await Promise.resolve({records: records as Page['records']})
    },
  })
const full = {full: true}

/** What every warehouse promises, asked through the real sink and the real pipeline. */
export function describeWarehouse(warehouse: () => WarehouseUnderTest): void {
  const readRejects = async (of: WantedRejects['of'], closedToo = false) =>
    warehouse().open().readRejects(PRODUCTION, {of, closedToo, limit: 10})

  it('stores one row for each key; the last record of a key wins', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2), record('b', 3, {later: true})])
    const {counts, error} = await warehouse().run({source, now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({listed: 3, extracted: 3, inserted: 2, duplicates: 1})
    expect(await warehouse().stored()).to.deep.equal([
      {key: 'thing:scripted--acct1:a', payload: {id: 'a', at: 1}, firstSeen: DAY, lastSeen: DAY},
      {key: 'thing:scripted--acct1:b', payload: {id: 'b', at: 3, later: true}, firstSeen: DAY, lastSeen: DAY},
    ])
  })

  it('changes nothing but last_seen when it runs again', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2)])
    await warehouse().run({source, now: DAY})
    const before = await warehouse().stored()
    const {counts} = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(counts).to.include({inserted: 0, updated: 0, unchanged: 2})
    expect(await warehouse().stored()).to.deep.equal(before.map((row) => ({...row, lastSeen: 2 * DAY})))
  })

  it('counts new, changed, unchanged and repeated records exactly, and keeps first_seen', async () => {
    await warehouse().run({source: yielding({id: 'a'}, {id: 'b', n: 1}, {id: 'c'}), now: DAY})
    const source = yielding({id: 'a'}, {id: 'b', n: 2}, {id: 'd'}, {id: 'd', again: true})
    const {counts} = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(counts).to.include({extracted: 4, inserted: 1, updated: 1, unchanged: 1, duplicates: 1})
    const rows = await warehouse().stored()
    expect(rows.map(({payload, firstSeen, lastSeen}) => [payload, firstSeen / DAY, lastSeen / DAY])).to.deep.equal([
      [{id: 'a'}, 1, 2],
      [{id: 'b', n: 2}, 1, 2],
      [{id: 'c'}, 1, 1],
      [{id: 'd', again: true}, 2, 2],
    ])
  })

  it('stores a change although the clock of the run before was ten minutes ahead', async () => {
    await warehouse().run({source: yielding({id: 'a', from: 'ahead'}), now: 2 * DAY + 600_000, request: full})
    const {counts} = await warehouse().run({source: yielding({id: 'a', from: 'right'}), now: 2 * DAY, request: full})
    expect(counts).to.include({updated: 1, unchanged: 0})
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', from: 'right'}])
  })

  it('never overwrites what a run that began later wrote', async () => {
    await warehouse().run({source: yielding({id: 'a', from: 'later'}), now: DAY})
    await warehouse().setLastSeen(9 * DAY)
    const {counts} = await warehouse().run({source: yielding({id: 'a', from: 'earlier'}), now: 2 * DAY, request: full})
    expect(counts).to.include({updated: 0, unchanged: 1})
    expect(await warehouse().stored()).to.deep.include.members([
      {key: 'thing:scripted--acct1:a', payload: {id: 'a', from: 'later'}, firstSeen: DAY, lastSeen: 9 * DAY},
    ])
  })

  it('never says of a row that it was seen last earlier than it was, by a clock that is behind', async () => {
    await warehouse().run({source: yielding({id: 'a'}), now: 2 * DAY, request: full})
    await warehouse().run({source: yielding({id: 'a'}), now: 2 * DAY - CLOCK_TOLERANCE, request: full})
    expect((await warehouse().stored()).map(({lastSeen}) => lastSeen / DAY)).to.deep.equal([2])
  })

  it('leaves the audit trail of the run', async () => {
    await warehouse().run({source: scriptedSource(() => [record('a', 1)]), now: DAY, runId: 'the-run'})
    const events = await warehouse().logged()
    expect(events.map(({type, runId}) => `${type} ${runId}`)).to.deep.equal([
      'ingestion.completed the-run',
      'job.completed the-run',
      'job.started the-run',
      'schema.changed the-run',
    ])
    expect(events[0]?.payload).to.deep.include({
      schema: 1,
      job: 'job',
      account: 'acct1',
      window: {since: null, until: '1970-01-02T00:00:00.000Z'},
      limited: false,
    })
    expect(events[0]?.payload?.['counts']).to.include({extracted: 1, inserted: 1})
  })

  it('tells what ran, how far streams are covered with gaps between, and that no key has two rows', async () => {
    const source = scriptedSource(() => [record('old', DAY), record('new', 9 * DAY)])
    await warehouse().run({source, now: 2 * DAY, runId: 'first'})
    await warehouse().run({source, now: 10 * DAY, runId: 'second', request: {since: 8 * DAY}})
    const open = warehouse().open()
    const events = await open.readRunEvents(PRODUCTION, {limit: 1})
    expect(events.map(({runId, type, error}) => [runId, type, error])).to.have.deep.members([
      ['second', 'job.started', null],
      ['second', 'ingestion.completed', null],
      ['second', 'job.completed', null],
    ])
    expect(events.find(({type}) => type === 'ingestion.completed')?.payload).to.deep.include({job: 'job', schema: 1})
    expect(await open.readRunEvents(PRODUCTION, {limit: 9, job: 'another'})).to.deep.equal([])
    expect((await open.readRunEvents(PRODUCTION, {limit: 9, runId: 'first'})).map(({runId}) => runId)).to.include(
      'first',
    )
    const runsOf = async (wanted: Partial<WantedRuns>): Promise<readonly string[]> => {
      const all = await open.readRunEvents(PRODUCTION, {limit: 9, ...wanted})
      return [...new Set(all.map(({runId}) => runId))].toSorted()
    }
    expect(await runsOf({named: 'fir'})).to.deep.equal(['first'])
    expect(await runsOf({named: 'cond'})).to.deep.equal(['second'])
    expect(await runsOf({named: 'econ'})).to.deep.equal([])
    expect(await runsOf({since: 10 * DAY})).to.deep.equal(['second'])
    expect(await runsOf({ended: 'done'})).to.deep.equal(['first', 'second'])
    expect(await runsOf({ended: 'failed'})).to.deep.equal([])
    expect(await runsOf({ended: 'open'})).to.deep.equal([])
    expect(await runsOf({ended: 'undone'})).to.deep.equal([])
    const {tables, streams} = await open.describe(PRODUCTION)
    expect(tables.map(({name, exists}) => [name, exists])).to.deep.equal([
      [PRODUCTION.eventLog, true],
      [PRODUCTION.rawObjects, true],
    ])
    expect(streams.map(({job, covered}) => [job, covered])).to.deep.equal([
      [
        'job',
        [
          {since: -Infinity, until: 2 * DAY},
          {since: 8 * DAY, until: 10 * DAY},
        ],
      ],
    ])
    expect(await open.countSurplusRows(PRODUCTION)).to.equal(0)
  })

  it('shows one record with all that the log says of it', async () => {
    const key = {idemKey: 'thing:scripted--acct1:a', stream: {sourceSystem: 'scripted--acct1', objectType: 'thing'}}
    const pages: Page[] = [{records: [{id: 'a', text: 'one\u2028two'}, {id: 'b'}], deleted: [key.idemKey]}]
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject(key.idemKey, 'it is damaged')
        yield* await Promise.resolve(pages)
      },
    })
    await warehouse().run({source, now: DAY, runId: 'first'})
    await warehouse().run({
      source: yielding({id: 'a', text: 'one\u2028two'}),
      now: 2 * DAY,
      runId: 'second',
      request: full,
    })
    const {row, events} = await warehouse().open().readRecord(PRODUCTION, key)
    expect(row).to.include({externalId: 'a', firstSeen: DAY, lastSeen: 2 * DAY})
    expect(JSON.parse(row?.payload ?? '')).to.deep.equal({id: 'a', text: 'one\u2028two'})
    expect(events.map(({type, runId, error}) => [type, runId, error])).to.have.deep.members([
      ['job.started', 'first', null],
      ['record.rejected', 'first', 'it is damaged'],
      ['object.deleted', 'first', null],
      ['job.started', 'second', null],
    ])
    const other = {...key, idemKey: 'thing:scripted--acct1:nobody'}
    expect(await warehouse().open().readRecord(PRODUCTION, other)).to.deep.equal({row: undefined, events: []})
    expect((await warehouse().open().readRecord(TEST, key)).row).to.equal(undefined)
  })

  it('knows the shape of the records that it stored, whatever their members are called', async () => {
    const odd = {id: 'a', 'a"b\\c/~\u2028\n': {ünï: [1, null]}, n: 1}
    await warehouse().run({source: yielding(odd), now: DAY, runId: 'first'})
    const second = await warehouse().run({
      source: yielding({...odd, n: 'x'}),
      now: 2 * DAY,
      runId: 'second',
      request: full,
    })
    expect(second.schema.changes.flatMap(({changes}) => changes.map(({path}) => path))).to.deep.equal(['/n'])
    const frozen = await warehouse().run({
      source: yielding({...odd, late: 1}),
      now: 3 * DAY,
      runId: 'third',
      request: full,
      schema: 'freeze',
    })
    expect(outcomeOf(frozen.error)).to.equal('failed')
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
    const scope = {job: 'job', account: 'acct1', selection: 'all', stream}
    const [state] = await warehouse().open().readStreamStates(PRODUCTION, [scope])
    const paths = state?.schema.map(({type, runId, initial, changes}) => [
      type,
      runId,
      initial,
      changes.map(({path, types}) => `${path} ${types.join('|')}`),
    ])
    expect(paths).to.deep.equal([
      [
        'schema.changed',
        'first',
        true,
        [
          ' object',
          '/id string',
          '/a"b\\c~1~0\u2028\n object',
          '/a"b\\c~1~0\u2028\n/ünï array',
          '/a"b\\c~1~0\u2028\n/ünï/* null|integer',
          '/n integer',
        ],
      ],
      ['schema.changed', 'second', false, ['/n integer|string']],
      ['schema.refused', 'third', false, ['/late integer']],
    ])
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{...odd, n: 'x'}])

    const changes = changesAsPayload(state?.schema.at(-1)?.changes ?? [])
    const payload = {schema: 1, streams: ['scripted--acct1/thing'], process: {...(await ownProcess())}, changes}
    const at = new Date(4 * DAY)
    const accepting = await warehouse()
      .open()
      .begin({
        tables: PRODUCTION,
        runId: 'fourth',
        scopes: [scope],
        started: () => createEvent({type: 'schema.accepted', runId: 'fourth', at, ...stream, payload}),
      })
    await accepting.close()
    const stored = await warehouse().run({
      source: yielding({...odd, late: 1}),
      now: 5 * DAY,
      request: full,
      schema: 'freeze',
    })
    expect([stored.error, stored.counts.updated, stored.schema.changes]).to.deep.equal([undefined, 1, []])
  })

  it('goes on where the last run ended, and reads the gap that --since left', async () => {
    const source = scriptedSource(() => [record('old', 5 * DAY), record('new', 19 * DAY)])
    await warehouse().run({source, now: 10 * DAY})
    const manual = await warehouse().run({source, now: 20 * DAY, request: {since: 18 * DAY}})
    expect(manual.cursor).to.deep.equal({before: 10 * DAY, after: 10 * DAY})
    const plain = await warehouse().run({source, now: 21 * DAY})
    expect(plain.cursor?.after).to.equal(21 * DAY)
    expect(source.calls.slice(2).map(({since, until}) => [since, until])).to.deep.equal([
      [10 * DAY - CLOCK_TOLERANCE, 18 * DAY],
      [20 * DAY - CLOCK_TOLERANCE, 21 * DAY],
    ])
  })

  it('keeps coverage apart by job, account and selection, and ignores limited windows', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2)])
    await warehouse().run({source, now: DAY})
    for (const other of [{job: 'other'}, {account: 'acct2'}, {selection: 'label:x'}]) {
      await warehouse().run({source, now: 2 * DAY, request: {limit: 1}, ...other})
      const report = await warehouse().run({source, now: 2 * DAY, ...other})
      expect(source.calls.at(-1)?.since, JSON.stringify(other)).to.equal(undefined)
      expect(report.newSelection).to.equal('selection' in other)
    }
  })

  it('keeps the three modes apart', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await warehouse().run({source, now: DAY})
    const rows = await warehouse().stored()
    const events = await warehouse().logged()
    const tables = await warehouse().tables()
    const dry = await warehouse().run({source, now: 2 * DAY, mode: 'dry-run'})
    expect([dry.error, dry.cursor]).to.deep.equal([undefined, {before: DAY, after: DAY}])
    expect(await warehouse().tables()).to.deep.equal(tables)
    const test = await warehouse().run({source, now: 3 * DAY, mode: 'test-table'})
    expect([test.error, test.cursor]).to.deep.equal([undefined, {before: -Infinity, after: 3 * DAY}])
    expect(test.counts).to.include({inserted: 1})
    expect((await warehouse().stored('test_raw_objects')).length).to.equal(1)
    expect([await warehouse().stored(), await warehouse().logged()]).to.deep.equal([rows, events])
    expect(await warehouse().tables()).to.deep.equal([...tables, 'test_event_log', 'test_raw_objects'])
  })

  it('answers what is known from the tables of its mode', async () => {
    await warehouse().run({source: scriptedSource(() => [record('stored', 1)]), now: DAY})
    const answers: Record<string, readonly string[]> = {}
    for (const mode of ['dry-run', 'test-table', 'production'] as const) {
      const source = scriptedSource(() => [], {
        async *extract(context) {
          answers[mode] = [...(await context.known(['thing:scripted--acct1:stored', 'thing:scripted--acct1:fresh']))]
          yield {records: []}
        },
      })
      const {error} = await warehouse().run({source, now: 2 * DAY, mode})
      expect(error).to.equal(undefined)
    }
    const known = ['thing:scripted--acct1:stored']
    expect(answers).to.deep.equal({'dry-run': known, 'test-table': [], production: known})
  })

  it('keeps whole commits of a run that fails, and nothing of the slice that failed', async () => {
    const records = [record('a', 1), record('b', DAY), record('c', 2 * DAY)]
    let broken = true
    const source = scriptedSource(() => records, {
      defaults: {slice: '1d', earliest: new Date(0).toISOString()},
      async *extract(context) {
        yield* windowOf(() => records)(context)
        if (broken && context.window.since?.getTime() === 2 * DAY) throw new Error('the service went away')
      },
    })
    const commitAfter = {records: 1, milliseconds: 1e9}
    const failed = await warehouse().run({source, now: 3 * DAY, commitAfter})
    expect(outcomeOf(failed.error)).to.equal('failed')
    expect((await warehouse().stored()).map(({key}) => key.slice(-1))).to.deep.equal(['a', 'b'])
    const types = (await warehouse().logged()).map(({type}) => type)
    expect(types).to.include.members(['ingestion.failed', 'job.failed'])
    expect(types.filter((type) => type === 'ingestion.completed')).to.have.length(2)
    broken = false
    const again = await warehouse().run({source, now: 3 * DAY})
    expect(again.counts).to.include({extracted: 1, inserted: 1})
    expect((await warehouse().stored()).map(({key}) => key.slice(-1))).to.deep.equal(['a', 'b', 'c'])
  })

  it('goes on from the last checkpoint of a reading that broke off, and from none once it was read to its end', async () => {
    const ledger = new Ledger(60)
    const source = ledgerSource(ledger)
    const commitAfter = {records: 10, milliseconds: 1e9}
    const bookmarks = () => source.calls.map(({bookmark}) => bookmark)
    ledger.breaksAfter = 40
    await warehouse().run({source, now: DAY, commitAfter})
    // Another selection's is another one.
    await warehouse().run({source, now: DAY, selection: 'other', commitAfter: {records: 1000, milliseconds: 1e9}})
    ledger.breaksAfter = 10
    await warehouse().run({source, now: 2 * DAY, commitAfter})
    ledger.breaksAfter = Infinity
    const ended = await warehouse().run({source, now: 3 * DAY, commitAfter})
    expect(bookmarks()).to.deep.equal([undefined, undefined, 40, 50])
    expect(ended.counts).to.include({extracted: 10, inserted: 10})
    expect(await warehouse().stored()).to.have.length(60)
    await warehouse().run({source, now: 4 * DAY})
    expect(bookmarks().at(-1)).to.equal(undefined)
  })

  it('sweeps again when the last sweep is as long ago as the job says', async () => {
    const archive = new Archive()
    const source = archiveSource(archive)
    archive.add({id: 'a', at: 1})
    const sweeping = async (day: number, more: object = {}) =>
      warehouse().run({source, now: day * DAY, sweep: 7 * DAY, ...more})
    expect((await sweeping(10)).swept).to.deep.equal({listed: 1, unknown: 0})
    archive.add({id: 'late', at: 2})
    expect((await sweeping(16)).swept).to.equal(undefined)
    expect((await sweeping(16, {job: 'other', selection: 'other'})).swept).not.to.equal(undefined)
    const {swept, counts, error} = await sweeping(17)
    expect([error, swept]).to.deep.equal([undefined, {listed: 2, unknown: 0}])
    expect(counts.extracted).to.equal(0)
    archive.add({id: 'later', at: 3})
    const found = await sweeping(24)
    expect([found.error, found.swept]).to.deep.equal([undefined, {listed: 3, unknown: 1}])
    expect((await warehouse().stored()).map(({key}) => key)).to.include('thing:scripted--acct1:later')
  })

  it('lands nothing of a commit whose events cannot be written, neither new rows nor changes', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    const [rows, before] = [await warehouse().stored(), await warehouse().logged()]
    const event = createEvent({type: 'ingestion.completed', runId: 'broken', at: new Date(0)})
    const impossible = {...event, created_at: 'at no time'}
    const broken = (real: Warehouse): Warehouse =>
      withCommit(real, (commit, batch, events) => commit(batch, batch.rows === 0 ? events : () => [impossible]))
    const source = yielding({id: 'a', n: 2}, {id: 'b', n: 1}, {id: 'c', n: 1})
    const {error} = await warehouse().run({source, now: 2 * DAY, request: full, warehouse: broken, runId: 'broken'})
    expect(outcomeOf(error)).to.equal('failed')
    expect(await warehouse().stored()).to.deep.equal(rows)
    expect((await warehouse().logged()).filter(({runId}) => runId !== 'broken')).to.deep.equal(before)
    const repaired = await warehouse().run({source, now: 3 * DAY, request: full})
    expect(repaired.counts).to.include({inserted: 1, updated: 1, unchanged: 1})
  })

  it('counts each object type of a run for itself, and tells of what the source says is gone', async () => {
    const streams = ['folder', 'note'].map((objectType) => ({objectType, windowed: false}))
    const source = scriptedSource(() => [], {
      streams,
      async *extract() {
        yield {objectType: 'note', records: [{id: 'n1'}, {id: 'n2'}, {id: 'n2', again: true}]}
        yield {objectType: 'folder', records: [{id: 'f1'}], deleted: ['folder:scripted--acct1:gone']}
        yield await Promise.resolve({objectType: 'note', records: [{id: 'n3'}]})
      },
    })
    const {counts, error} = await warehouse().run({source, now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({extracted: 5, inserted: 4, duplicates: 1, deleted: 1})
    expect((await warehouse().stored()).map(({key}) => key)).to.deep.equal([
      'folder:scripted--acct1:f1',
      ...['n1', 'n2', 'n3'].map((id) => `note:scripted--acct1:${id}`),
    ])
    const completed = (await warehouse().logged()).filter(({type}) => type === 'ingestion.completed')
    const inserted = completed.map(({objectType, payload}) => {
      const {counts: counted} = payload as {counts: {inserted: number}}
      return [objectType, counted.inserted]
    })
    expect(inserted.toSorted()).to.deep.equal([
      ['folder', 1],
      ['note', 3],
    ])
    const gone = (await warehouse().logged()).filter(({type}) => type === 'object.deleted')
    expect(gone.map(({objectType}) => objectType)).to.deep.equal(['folder'])
  })

  describeManyRecords(warehouse, 'more than a thousand', 200)

  it('records a reject as news once', async () => {
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject('message 17', 'its body is missing')
        yield await Promise.resolve({records: [{id: 'good'}]})
      },
    })
    const first = await warehouse().run({source, now: DAY})
    const second = await warehouse().run({source, now: 2 * DAY})
    expect([first.firstRejects, second.firstRejects]).to.deep.equal([1, 0])
    const [event] = (await warehouse().logged()).filter(({type}) => type === 'record.rejected')
    expect([event?.error, event?.payload?.['reference']]).to.deep.equal(['its body is missing', 'message 17'])
    const listed = await readRejects({runId: first.runId}, true)
    expect(
      listed?.map(({stream, reference, reason, rejectedIn}) => [stream.objectType, reference, reason, rejectedIn]),
    ).to.deep.equal([
      [
        'thing',
        'message 17',
        'its body is missing',
        {job: 'job', account: 'acct1', selection: 'all', window: {since: -Infinity, until: DAY}},
      ],
    ])
    expect(await readRejects({runId: 'no such run'})).to.equal(undefined)
  })

  it('has a reject open until its record is stored, or all that it was met in is read again by one run', async () => {
    const bad = new Set(['known to the source', 'without a key', 'with a key'])
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d', earliest: new Date(0).toISOString()},
      async *extract({reject, window}) {
        const since = window.since?.getTime() ?? 0
        if (since < DAY) {
          for (const reference of bad)
            reject(reference === 'with a key' ? `thing:scripted--acct1:${reference}` : reference, 'it is bad')
        }
        const good = ['known to the source', 'with a key'].filter((id) => !bad.has(id))
        yield await Promise.resolve({records: since < DAY ? good.map((id) => ({id})) : []})
      },
    })
    const open = async () => (await readRejects({job: 'job'}))?.map(({runId, reference}) => `${runId}: ${reference}`)
    const first = await warehouse().run({source, now: 2 * DAY, start: 0, runId: 'first'})
    expect([first.error, first.openRejects]).to.deep.equal([undefined, 3])
    expect(await open()).to.deep.equal([
      'first: known to the source',
      'first: without a key',
      'first: thing:scripted--acct1:with a key',
    ])
    bad.delete('known to the source')
    bad.delete('with a key')
    // It reads half of the slice in which they were met: what was stored is settled, what has no key may be in the other half.
    const half = await warehouse().run({
      source,
      now: 3 * DAY,
      start: 0,
      runId: 'half',
      request: {since: 0, until: DAY / 2},
    })
    expect([half.error, half.openRejects]).to.deep.equal([undefined, 1])
    expect(await open()).to.deep.equal(['first: without a key', 'half: without a key'])
    bad.delete('without a key')
    const limited = {since: 0, until: DAY, limit: 10}
    await warehouse().run({source, now: 4 * DAY, start: 0, runId: 'limited', request: limited})
    await warehouse().run({source, now: 5 * DAY, start: 0, runId: 'dry', request: {since: 0}, mode: 'dry-run'})
    expect(await open()).to.have.length(2)
    await warehouse().run({source, now: 6 * DAY, start: 0, runId: 'whole', request: {since: 0, until: DAY}})
    expect(await open()).to.deep.equal([])
    const all = await readRejects({job: 'job'}, true)
    expect(all?.map(({open: isOpen}) => isOpen)).to.deep.equal([false, false, false, false])
    expect(await readRejects({runId: 'first'})).to.deep.equal([])
    const wanted = {of: {job: 'job'}, closedToo: true, limit: 10, since: 2.5 * DAY}
    expect((await warehouse().open().readRejects(PRODUCTION, wanted))?.map(({runId}) => runId)).to.deep.equal(['half'])
  })

  it('has a reject open that a clock which is behind told, whatever was read before', async () => {
    await warehouse().run({source: yielding({id: 'b'}), now: Date.now(), request: full})
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject('thing:scripted--acct1:a', 'it is bad now')
        yield {records: []}
      },
    })
    shiftClock(-CLOCK_TOLERANCE + 60_000)
    try {
      await warehouse().run({source, now: Date.now(), request: full, runId: 'behind'})
    } finally {
      shiftClock(0)
    }
    expect((await readRejects({job: 'job'}))?.map(({runId}) => runId)).to.deep.equal(['behind'])
    await warehouse().run({source: yielding({id: 'b'}), now: Date.now() + CLOCK_TOLERANCE, request: full})
    expect(await readRejects({job: 'job'})).to.deep.equal([])
  })

  it('has a reject of a change open until the changes since the same bookmark are read again', async () => {
    let bad = true
    const source = scriptedSource(() => [], {
      currentBookmark: () => Promise.resolve('now'),
      canResume: () => Promise.resolve(true),
      async *extract({bookmark, reject}) {
        if (bookmark === 'first' && bad) reject('changed', 'it is bad')
        yield await Promise.resolve({records: [], bookmark: bookmark === undefined ? 'first' : 'second'})
      },
    })
    await warehouse().run({source, now: DAY, start: 0})
    const second = await warehouse().run({source, now: 2 * DAY, start: 0, runId: 'second'})
    expect([second.error, second.openRejects]).to.deep.equal([undefined, 1])
    const [reject, ...others] = (await readRejects({job: 'job'})) ?? []
    expect([others, reject?.rejectedIn?.bookmark]).to.deep.equal([[], 'first'])
    // Other changes of a time that reaches further back, and the time itself, have not brought it again.
    await warehouse().run({source, now: 3 * DAY, start: 0})
    await warehouse().run({source, now: 4 * DAY, start: 0, request: {since: 0}})
    const again = readAgain(reject === undefined ? [] : [reject])
    const retried = await warehouse().run({source, now: 5 * DAY, start: 0, request: {again}})
    expect([retried.error, retried.openRejects, source.calls.at(-1)?.bookmark]).to.deep.equal([undefined, 1, 'first'])
    bad = false
    const cured = await warehouse().run({source, now: 6 * DAY, start: 0, request: {again}})
    expect([cured.error, cured.openRejects]).to.deep.equal([undefined, 0])
    await warehouse().run({source, now: 7 * DAY, start: 0})
    expect(source.calls.at(-1)?.bookmark).to.equal('second')
  })

  it('keeps hostile text in payloads and keys', async () => {
    const payload = {
      separators: 'a\u2028b\u2029c\nd\r\n\t',
      nothing: null,
      emoji: '👩‍🚀',
      empty: {},
      list: [[], [[1.5, -0.25]], ''],
      sql: `'; DROP TABLE raw_objects; -- \`x\` "y" {{projectId}} @events \\ ' """`,
      large: 9_007_199_254_740_991,
    }
    const ids = [`q'"\`;--`, 'back\\slash\\', '{{projectId}}', '👩‍🚀é', '%_@x', '$1 ${x}']
    const source = yielding(...ids.map((id) => ({id, ...payload})))
    const {counts, error} = await warehouse().run({source, now: DAY})
    expect([error, counts.inserted]).to.deep.equal([undefined, ids.length])
    const rows = await warehouse().stored()
    expect(rows.map(({key}) => key)).to.have.members(ids.map((id) => `thing:scripted--acct1:${id}`))
    for (const row of rows) expect(row.payload).to.deep.equal({id: row.key.slice(22), ...payload})
    const again = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(again.counts).to.include({inserted: 0, updated: 0, unchanged: ids.length})
  })

  it('lets one of two runs at once through, and tells the other who is in its way', async () => {
    let release = (): void => {}
    const held = new Promise<void>((done) => (release = done))
    let reading = (): void => {}
    const underway = new Promise<void>((done) => (reading = done))
    const slow = scriptedSource(() => [], {
      async *extract() {
        reading()
        await held
        yield {records: [{id: 'a', from: 'first'}]}
      },
    })
    const first = warehouse().run({source: slow, now: DAY, runId: 'first'})
    await underway
    const refused = await warehouse()
      .run({source: yielding({id: 'a', from: 'second'}), now: DAY, runId: 'second'})
      .then(
        () => undefined,
        (error: unknown) => error,
      )
    expect([outcomeOf(refused), (refused as Error).message.includes('run first is reading')]).to.deep.equal([
      'busy',
      true,
    ])
    release()
    expect((await first).error).to.equal(undefined)
    expect((await warehouse().stored()).map((row) => row.payload)).to.deep.equal([{id: 'a', from: 'first'}])
    const after = await warehouse().run({source: yielding({id: 'b'}), now: 2 * DAY})
    expect(after.error).to.equal(undefined)
  })

  it('lets the next attempt of a task take over the stream of the one before, dead or not, and that one commits no more', async () => {
    const held = Promise.withResolvers<void>()
    const underway = Promise.withResolvers<void>()
    const slow = scriptedSource(() => [], {
      async *extract() {
        underway.resolve()
        await held.promise
        yield {records: [{id: 'a', from: 'first'}]}
      },
    })
    const first = warehouse().run({source: slow, now: DAY, runId: 'first', claim: 'engine/execution/3'})
    await underway.promise
    const another = async (claim: string | undefined): Promise<unknown> =>
      warehouse()
        .run({source: yielding({id: 'a', from: 'another'}), now: DAY, runId: 'another', claim})
        .catch(outcomeOf)
    expect([await another('engine/execution/4'), await another(undefined)]).to.deep.equal(['busy', 'busy'])
    const second = await warehouse().run({
      source: yielding({id: 'a', from: 'second'}),
      now: DAY,
      runId: 'second',
      claim: 'engine/execution/3',
    })
    expect(second.error).to.equal(undefined)
    held.resolve()
    const lost = (await first).error
    expect([outcomeOf(lost), (lost as Error).message.includes('this run lost its stream')]).to.deep.equal([
      'failed',
      true,
    ])
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal([{id: 'a', from: 'second'}])
    const failed = (await warehouse().logged()).filter(({type}) => type === 'job.failed')
    expect(failed.map(({runId}) => runId)).to.deep.equal(['first'])
    expect(failed[0]?.error).to.match(/its task was begun anew .* taken over by second$/)
    const started = (await warehouse().logged()).filter(({type}) => type === 'job.started')
    expect(started.map(({payload}) => payload?.['claim'])).to.deep.equal(['engine/execution/3', 'engine/execution/3'])
    expect((await warehouse().run({source: yielding({id: 'b'}), now: 2 * DAY})).error).to.equal(undefined)
  })
}

/** The number of keys makes a difference where filters of statements name them. */
export function describeManyRecords(warehouse: () => WarehouseUnderTest, howMany: string, perPage: number): void {
  it(`takes ${howMany} records, very large ones among them, in one commit, and knows them again`, async () => {
    const keys = 6 * (perPage + 1) + 1
    const source = scriptedSource(() => [], {
      async *extract() {
        for (let page = 0; page < 6; page += 1) {
          const small = Array.from({length: perPage}, (_, index) => ({
            id: `small-${page}-${index}`,
            text: 'x'.repeat(200),
          }))
          const large = {id: `large-${page}`, text: 'y\u2028'.repeat(1_200_000)}
          yield {records: small.toSpliced(perPage / 2, 0, large)}
          yield await Promise.resolve({records: [{id: 'often', page}]})
        }
      },
    })
    const {counts, error} = await warehouse().run({source, now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({extracted: 6 * (perPage + 2), inserted: keys, duplicates: 5})
    const again = await warehouse().run({source, now: 2 * DAY, request: full})
    expect(again.counts).to.include({inserted: 0, updated: 0, unchanged: keys, duplicates: 5})
    const rows = await warehouse().stored()
    expect(
      rows.filter(({key}) => key.includes(':large-')).map(({payload}) => (payload as {text: string}).text.length),
    ).to.deep.equal(Array.from({length: 6}, () => 2_400_000))
    expect(rows.find(({key}) => key.endsWith(':often'))?.payload).to.deep.equal({id: 'often', page: 5})
  })
}

/** What every warehouse promises to runs in processes of their own. */
export function describeRunsApart(warehouse: () => WarehouseUnderTest): void {
  it('lets one through of several processes that begin a run at the same moment', async () => {
    const ended = await warehouse().runApart(
      ['one', 'two', 'three'].map((runId) => ({records: [{id: 'a', from: runId}], now: DAY, runId})),
    )
    const outcomes = ended.map(({outcome}) => outcome)
    expect(outcomes).to.include('done')
    expect(ended.filter(({outcome}) => outcome !== 'done' && outcome !== 'busy')).to.deep.equal([])
    expect((await warehouse().stored()).map(({key}) => key)).to.deep.equal(['thing:scripted--acct1:a'])
    const begun = (await warehouse().logged()).filter(({type}) => type === 'job.started')
    expect(begun).to.have.length(outcomes.filter((outcome) => outcome === 'done').length)
  })

  it('lets processes that read different streams through at the same time', async () => {
    const accounts = ['acct1', 'acct2', 'acct3']
    const ended = await warehouse().runApart(
      accounts.map((account) => ({records: [{id: 'a', account}], now: DAY, runId: account, account})),
    )
    expect(ended.map(({message, counts}) => [message, counts?.inserted])).to.deep.equal(accounts.map(() => ['', 1]))
    expect((await warehouse().stored()).map(({payload}) => payload)).to.deep.equal(
      accounts.map((account) => ({id: 'a', account})),
    )
  })
}

type Commit = Awaited<ReturnType<Warehouse['begin']>>['commit']

/** The same warehouse but for its commits. */
function withCommit(
  real: Warehouse,
  change: (commit: Commit, ...args: Parameters<Commit>) => ReturnType<Commit>,
): Warehouse {
  const begin = real.begin.bind(real)
  stub(real, 'begin').callsFake(async (run) => {
    const writer = await begin(run)
    return {...writer, commit: async (...args) => change(writer.commit.bind(writer), ...args)}
  })
  return real
}
