import {readdir, readFile, stat} from 'node:fs/promises'

import {expect} from 'chai'
import sinon from 'sinon'

import {stopped, outcomeOf} from '../../src/base/errors.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import type {Page, SourceContext} from '../../src/source.ts'
import {change, events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun, silentLog} from '../support/scripted-run.ts'
import {scriptedSource, windowOf, type ScriptedRecord} from '../support/scripted-source.ts'

const DAY = 86_400_000
const day = (number: number): number => number * DAY
const record = (id: string, at: number, more: object = {}): ScriptedRecord => ({id, at, ...more})
const failing = () =>
  async function* (): AsyncGenerator<Page> {
    yield await Promise.resolve({records: [{id: 'half', at: 1}]})
    throw new Error('the service went away')
  }

const folder = folderForEachTest()
const rawObjects = async () => query(databaseIn(folder()), 'SELECT * FROM raw_objects ORDER BY idem_key')

describe('a run', () => {
  it('stores one row for each key, and the last record of a key wins', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2), record('b', 3, {later: true})])
    const {counts} = await scriptedRun({source, folder: folder(), now: day(1)})
    expect(counts).to.include({listed: 3, extracted: 3, inserted: 2, duplicates: 1})
    const rows = await rawObjects()
    expect(rows.map((row) => [row['external_id'], JSON.parse(String(row['payload'])) as unknown])).to.deep.equal([
      ['a', {id: 'a', at: 1}],
      ['b', {id: 'b', at: 3, later: true}],
    ])
  })

  it('changes nothing but last_seen when it is run again with --full', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    const before = await rawObjects()
    const {counts} = await scriptedRun({source, folder: folder(), now: day(2), request: {full: true}})
    expect(counts).to.include({inserted: 0, updated: 0, unchanged: 2})
    const after = await rawObjects()
    expect(after.map(({last_seen: _, ...row}) => row)).to.deep.equal(before.map(({last_seen: _, ...row}) => row))
    expect(after.map((row) => row['last_seen'])).to.deep.equal(['1970-01-03 00:00:00+00', '1970-01-03 00:00:00+00'])
  })

  it('updates the payload of a changed record and keeps its first_seen', async () => {
    let title = 'old'
    const source = scriptedSource(() => [record('a', 1, {title}), record('b', 2)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    title = 'new'
    const {counts} = await scriptedRun({source, folder: folder(), now: day(2), request: {full: true}})
    expect(counts).to.include({inserted: 0, updated: 1, unchanged: 1})
    const [row] = await rawObjects()
    expect(row).to.include({first_seen: '1970-01-02 00:00:00+00', last_seen: '1970-01-03 00:00:00+00'})
    expect(JSON.parse(String(row?.['payload']))).to.include({title: 'new'})
  })

  it('that began earlier never overwrites a payload that a later run wrote', async () => {
    const source = scriptedSource(() => [record('a', 1, {from: 'later'})])
    await scriptedRun({source, folder: folder(), now: day(5)})
    await change(databaseIn(folder()), "UPDATE raw_objects SET last_seen = '1970-02-01 00:00:00+00'")
    const older = scriptedSource(() => [record('a', 1, {from: 'earlier'})])
    const {counts} = await scriptedRun({source: older, folder: folder(), now: day(6), request: {full: true}})
    expect(counts).to.include({updated: 0, unchanged: 1})
    const [row] = await rawObjects()
    expect(row).to.include({last_seen: '1970-02-01 00:00:00+00'})
    expect(JSON.parse(String(row?.['payload']))).to.include({from: 'later'})
  })

  it('leaves job.started, ingestion.completed and job.completed with the run id', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(1), runId: 'the-run'})
    const rows = await query(
      databaseIn(folder()),
      'SELECT event_type, correlation_id, status FROM event_log ORDER BY rowid',
    )
    expect(rows).to.deep.equal([
      {event_type: 'job.started', correlation_id: 'the-run', status: 'ok'},
      {event_type: 'schema.changed', correlation_id: 'the-run', status: 'ok'},
      {event_type: 'ingestion.completed', correlation_id: 'the-run', status: 'ok'},
      {event_type: 'job.completed', correlation_id: 'the-run', status: 'ok'},
    ])
    const [completed] = await events(databaseIn(folder()), 'ingestion.completed')
    expect(completed).to.include({source_system: 'scripted--acct1', object_type: 'thing'})
    expect(completed?.['payload']).to.deep.include({
      schema: 1,
      job: 'job',
      account: 'acct1',
      selection: 'all',
      window: {since: null, until: '1970-01-02T00:00:00.000Z'},
      limited: false,
    })
  })

  it('leaves no file of its own behind', async () => {
    await scriptedRun({source: scriptedSource(() => [record('a', 1)]), folder: folder(), now: day(1)})
    expect(await readdir(`${folder()}/spool`)).to.deep.equal([])
    expect((await readdir(folder())).toSorted()).to.deep.equal(['spool', 'warehouse.duckdb'])
  })

  it('goes on where the last one ended, reading back by the overlap and by what a clock may be wrong', async () => {
    const source = scriptedSource(() => [record('a', 1)], {defaults: {overlap: '2d'}})
    await scriptedRun({source, folder: folder(), now: day(10)})
    await scriptedRun({source, folder: folder(), now: day(11)})
    expect(source.calls).to.deep.equal([
      {since: undefined, until: day(10), objectTypes: ['thing']},
      {since: day(8) - CLOCK_TOLERANCE, until: day(11), objectTypes: ['thing']},
    ])
  })

  it('ends before now by the time that the source takes to show a record', async () => {
    const source = scriptedSource(() => [], {defaults: {settle: '1d'}})
    const {cursor} = await scriptedRun({source, folder: folder(), now: day(10)})
    expect(source.calls.map(({until}) => until)).to.deep.equal([day(9)])
    expect(cursor?.after).to.equal(day(9))
  })

  it("begins at the job's start", async () => {
    const source = scriptedSource(() => [record('early', day(1)), record('late', day(5))])
    const {counts} = await scriptedRun({source, folder: folder(), now: day(9), start: day(3)})
    expect(counts.extracted).to.equal(1)
    expect(source.calls[0]?.since).to.equal(day(3))
  })

  it('reports nothing as read and exits well when nothing is due', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(2)})
    const {counts, windows, error} = await scriptedRun({source, folder: folder(), now: day(2)})
    expect({extracted: counts.extracted, windows, error}).to.deep.equal({extracted: 0, windows: [], error: undefined})
  })
})

describe('the cursor', () => {
  it('is not moved past the gap that a manual --since leaves, and the next plain run reads the gap', async () => {
    const source = scriptedSource(() => [record('old', day(5)), record('new', day(19))])
    const first = await scriptedRun({source, folder: folder(), now: day(10)})
    expect(first.cursor).to.deep.equal({before: -Infinity, after: day(10)})
    const manual = await scriptedRun({source, folder: folder(), now: day(20), request: {since: day(18)}})
    expect(manual.cursor).to.deep.equal({before: day(10), after: day(10)})
    const plain = await scriptedRun({source, folder: folder(), now: day(21)})
    expect(plain.cursor?.after).to.equal(day(21))
    expect(source.calls.slice(2).map(({since, until}) => [since, until])).to.deep.equal([
      [day(10) - CLOCK_TOLERANCE, day(18)],
      [day(20) - CLOCK_TOLERANCE, day(21)],
    ])
  })

  it('is not moved by a first --since on a new job', async () => {
    const source = scriptedSource(() => [record('a', day(9))])
    const {cursor} = await scriptedRun({source, folder: folder(), now: day(10), request: {since: day(8)}})
    expect(cursor).to.deep.equal({before: -Infinity, after: -Infinity})
    await scriptedRun({source, folder: folder(), now: day(10)})
    expect(source.calls[1]).to.deep.equal({since: undefined, until: day(8), objectTypes: ['thing']})
  })

  it('is moved by a --since that begins at the start of the job', async () => {
    const source = scriptedSource(() => [])
    const request = {since: day(3)}
    const {cursor} = await scriptedRun({source, folder: folder(), now: day(10), start: day(3), request})
    expect(cursor).to.deep.equal({before: day(3), after: day(10)})
  })

  it('is never moved by a limited run, even one that reached the end', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2), record('c', 3)])
    const limited = await scriptedRun({source, folder: folder(), now: day(1), request: {limit: 2}})
    expect(limited.counts).to.include({extracted: 2, inserted: 2})
    expect(limited.cursor).to.deep.equal({before: -Infinity, after: -Infinity})
    await scriptedRun({source, folder: folder(), now: day(1), request: {limit: 100}})
    const plain = await scriptedRun({source, folder: folder(), now: day(1)})
    expect(plain.counts).to.include({extracted: 3, inserted: 0, unchanged: 3})
  })

  it('is never moved by a failed run', async () => {
    const broken = scriptedSource(() => [], {extract: failing()})
    const failed = await scriptedRun({source: broken, folder: folder(), now: day(1)})
    expect(failed.error).to.be.an('error').with.property('message', 'the service went away')
    expect(await rawObjects()).to.deep.equal([])
    expect(await readdir(`${folder()}/spool`)).to.deep.equal([])
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(2)})
    expect(source.calls[0]?.since).to.equal(undefined)
  })

  it('is never moved by a dry run, which reads production’s', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    const dry = await scriptedRun({source, folder: folder(), now: day(5), mode: 'dry-run'})
    expect(dry.cursor).to.deep.equal({before: day(1), after: day(1)})
    expect(source.calls[1]).to.include({since: day(1) - CLOCK_TOLERANCE, until: day(5)})
    await scriptedRun({source, folder: folder(), now: day(6)})
    expect(source.calls[2]).to.include({since: day(1) - CLOCK_TOLERANCE, until: day(6)})
  })

  it('of production is neither read nor moved by a test run', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(5)})
    const test = await scriptedRun({source, folder: folder(), now: day(6), mode: 'test-table'})
    expect(source.calls[1]?.since).to.equal(undefined)
    expect(test.cursor).to.deep.equal({before: -Infinity, after: day(6)})
    const production = await scriptedRun({source, folder: folder(), now: day(7)})
    expect(production.cursor).to.deep.equal({before: day(5), after: day(7)})
    const again = await scriptedRun({source, folder: folder(), now: day(8), mode: 'test-table'})
    expect(again.cursor?.before).to.equal(day(6))
  })

  it('belongs to job, account and selection: another job’s filter on the same stream covers nothing for this one', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    for (const other of [{job: 'other'}, {account: 'acct2'}, {selection: 'label:x'}]) {
      await scriptedRun({source, folder: folder(), now: day(2), ...other})
      expect(source.calls.at(-1)?.since, JSON.stringify(other)).to.equal(undefined)
    }
  })

  it('says so when a changed selection starts uncovered', async () => {
    const source = scriptedSource(() => [])
    const first = await scriptedRun({source, folder: folder(), now: day(1)})
    const changed = await scriptedRun({source, folder: folder(), now: day(2), selection: 'label:x'})
    expect([first.newSelection, changed.newSelection]).to.deep.equal([false, true])
  })

  it('ignores windows that a later or foreign schema wrote', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    await change(databaseIn(folder()), `UPDATE event_log SET payload = replace(payload, '"schema":1', '"schema":2')`)
    await scriptedRun({source, folder: folder(), now: day(2)})
    expect(source.calls[1]?.since).to.equal(undefined)
  })
})

describe('slices', () => {
  const defaults = {slice: '1d', earliest: new Date(0).toISOString()}

  it('are read oldest first and committed together at the end of a small run', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', day(2) + 1)], {defaults})
    const {commits} = await scriptedRun({source, folder: folder(), now: day(3)})
    expect(source.calls.map(({since, until}) => [since, until])).to.deep.equal([
      [undefined, day(1)],
      [day(1), day(2)],
      [day(2), day(3)],
    ])
    expect(commits).to.equal(1)
    const completed = await events(databaseIn(folder()), 'ingestion.completed')
    expect(completed).to.have.length(1)
  })

  it('grow over quiet times where the source says how long they are, and never where the job does', async () => {
    const records = [record('first', 1), record('last', day(11))]
    const longest = async (sliceIsMaximum: boolean, job: string): Promise<number> => {
      const source = scriptedSource(() => records, {defaults})
      await scriptedRun({source, folder: folder(), now: day(12), sliceIsMaximum, job, start: 0})
      return Math.max(...source.calls.map(({since = 0, until}) => until - since))
    }
    expect(await longest(false, 'theirs')).to.equal(day(4))
    expect(await longest(true, 'ours')).to.equal(day(1))
  })

  it('are committed one by one where each holds enough records', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', day(1)), record('c', day(2))], {defaults})
    const commitAfter = {records: 1, milliseconds: 1e9}
    const {commits} = await scriptedRun({source, folder: folder(), now: day(3), commitAfter})
    expect(commits).to.equal(3)
    const completed = await events(databaseIn(folder()), 'ingestion.completed')
    expect(completed.map((event) => (event['payload'] as {window: object}).window)).to.deep.equal([
      {since: null, until: '1970-01-02T00:00:00.000Z'},
      {since: '1970-01-02T00:00:00.000Z', until: '1970-01-03T00:00:00.000Z'},
      {since: '1970-01-03T00:00:00.000Z', until: '1970-01-04T00:00:00.000Z'},
    ])
  })

  for (const commitAfter of [
    {records: 1, milliseconds: 1e9},
    {records: 1e9, milliseconds: 1e9},
  ]) {
    it(`that are whole stay when the third one fails, and the next run goes on there (commit after ${commitAfter.records})`, async () => {
      const records = [record('a', 1), record('b', day(1)), record('c', day(2)), record('d', day(3))]
      let broken = true
      const source = scriptedSource(() => records, {
        defaults,
        extract: (context) =>
          broken && context.window.since?.getTime() === day(2) ? failing()() : windowOf(() => records)(context),
      })
      const failed = await scriptedRun({source, folder: folder(), now: day(4), commitAfter, runId: 'failed'})
      expect(outcomeOf(failed.error)).to.equal('failed')
      expect(failed.counts).to.include({extracted: 2, inserted: 2})
      expect(failed.windows).to.deep.equal([{since: -Infinity, until: day(2)}])
      expect((await rawObjects()).map((row) => row['external_id'])).to.deep.equal(['a', 'b'])
      const [ingestionFailed] = await events(databaseIn(folder()), 'ingestion.failed')
      expect(ingestionFailed).to.include({
        status: 'failed',
        error_message: 'the service went away',
        object_type: 'thing',
      })
      const [jobFailed] = await events(databaseIn(folder()), 'job.failed')
      expect(jobFailed).to.include({status: 'failed', correlation_id: 'failed'})
      broken = false
      const {counts} = await scriptedRun({source, folder: folder(), now: day(4)})
      expect(counts).to.include({extracted: 2, inserted: 2})
      expect(source.calls.at(3)?.since).to.equal(day(2) - CLOCK_TOLERANCE)
      expect((await rawObjects()).map((row) => row['external_id'])).to.deep.equal(['a', 'b', 'c', 'd'])
    })
  }

  it('are shortened where they hold too much, and whole ones stay when the source can suddenly not count the next', async () => {
    const records = Array.from({length: 40}, (_, index) => record(`r${index}`, index * (DAY / 40)))
    const inside = ({window: {since, until}}: SourceContext<unknown>) =>
      records.filter(({at}) => (since?.getTime() ?? -Infinity) <= at && at < until.getTime()).length
    let broken = true
    const source = {
      ...scriptedSource(() => records, {defaults}),
      estimate: async (context: SourceContext<unknown>) => {
        if (broken && (context.window.since?.getTime() ?? 0) >= DAY / 2) throw new Error('the service went away')
        return Promise.resolve({records: inside(context), units: 0})
      },
    }
    const commitAfter = {records: 10, milliseconds: 1e9}
    const failed = await scriptedRun({source, folder: folder(), now: DAY, commitAfter})
    expect((failed.error as Error).message).to.equal('the service went away')
    expect(failed.counts.inserted).to.be.within(20, 29)
    const until = failed.windows[0]?.until ?? 0
    expect(failed.counts.inserted).to.equal(records.filter(({at}) => at < until).length)
    broken = false
    const {counts} = await scriptedRun({source, folder: folder(), now: DAY, commitAfter})
    expect(counts.inserted + failed.counts.inserted).to.equal(40)
    expect(source.calls.length).to.be.at.least(4)
  })
})

describe('accounting', () => {
  const extracting = (extract: (context: SourceContext<unknown>) => AsyncIterable<Page>) =>
    scriptedSource(() => [], {extract})

  it('fails a slice whose source listed more than it accounted for, and writes nothing of it', async () => {
    const source = extracting(async function* (context) {
      context.progress({listed: 3})
      yield await Promise.resolve({records: [{id: 'a'}, {id: 'b'}]})
    })
    const {error, counts} = await scriptedRun({source, folder: folder(), now: day(1)})
    expect(error)
      .to.be.an('error')
      .with.property('message')
      .that.includes('listed 3 records of thing but accounted for 2')
    expect(counts.inserted).to.equal(0)
    expect(await rawObjects()).to.deep.equal([])
  })

  it('adds known, outside, gone and rejected records up to what was listed', async () => {
    await scriptedRun({source: scriptedSource(() => [record('stored', 1)]), folder: folder(), now: day(1)})
    const source = extracting(async function* (context) {
      context.progress({listed: 5})
      const known = await context.known(['thing:scripted--acct1:stored', 'thing:scripted--acct1:fresh'])
      expect([...known]).to.deep.equal(['thing:scripted--acct1:stored'])
      context.progress({outside: 1})
      context.progress({gone: 1})
      context.reject('message 17', 'its body is missing')
      yield {records: [{id: 'fresh'}]}
    })
    const {counts, error} = await scriptedRun({source, folder: folder(), now: day(2), request: {full: true}})
    expect(error).to.equal(undefined)
    expect(counts).to.deep.include({listed: 5, extracted: 1, inserted: 1, known: 1, outside: 1, gone: 1, rejected: 1})
  })

  it('asks nothing of the warehouse with --refetch, so that known records are read again', async () => {
    await scriptedRun({source: scriptedSource(() => [record('stored', 1)]), folder: folder(), now: day(1)})
    const source = extracting(async function* (context) {
      const known = await context.known(['thing:scripted--acct1:stored'])
      expect(known.size).to.equal(0)
      yield {records: [{id: 'stored'}]}
    })
    const {counts} = await scriptedRun({source, folder: folder(), now: day(2), request: {refetch: true, full: true}})
    expect(counts).to.include({extracted: 1, known: 0, updated: 1})
  })

  it('tells each mode what its own tables know', async () => {
    await scriptedRun({source: scriptedSource(() => [record('stored', 1)]), folder: folder(), now: day(1)})
    const answers: Record<string, number> = {}
    for (const mode of ['dry-run', 'test-table', 'production'] as const) {
      const source = extracting(async function* (context) {
        answers[mode] = (await context.known(['thing:scripted--acct1:stored'])).size
        yield {records: []}
      })
      await scriptedRun({source, folder: folder(), now: day(2), mode})
    }
    expect(answers).to.deep.equal({'dry-run': 1, 'test-table': 0, production: 1})
  })
})

describe('a record that cannot be stored', () => {
  const bad: readonly [string, unknown, string][] = [
    ['a lone surrogate in a value', {id: 'x', deep: [{text: 'a\ud800b'}]}, '$.deep.0.text is not well-formed Unicode'],
    ['a lone surrogate in a name', {id: 'x', '\udfff': 1}, 'a name in $ is not well-formed Unicode'],
    ['no id', {}, 'idemKey failed: no id'],
    ['a control character in its key', {id: 'a\u0000b'}, 'control character'],
    ['a key of more than 1,024 bytes', {id: 'é'.repeat(600)}, 'longer than 1024 bytes'],
    ['an empty id', {id: ''}, 'holds no id'],
    ['no object at all', 'text', 'not an object'],
  ]
  for (const [what, broken, reason] of bad) {
    it(`is a counted reject with its reason, and the others are stored: ${what}`, async () => {
      const source = scriptedSource(() => [], {
        idemKey(value, stream) {
          if (typeof value['id'] !== 'string') throw new Error('no id')
          return `${stream.objectType}:${stream.sourceSystem}:${value['id']}`
        },
        async *extract() {
          yield await Promise.resolve({records: [{id: 'good'}, broken as {}]})
        },
      })
      const {counts, firstRejects, error} = await scriptedRun({source, folder: folder(), now: day(1)})
      expect(error).to.equal(undefined)
      expect(counts).to.include({listed: 2, extracted: 2, inserted: 1, rejected: 1})
      expect(firstRejects).to.equal(1)
      const [event] = await events(databaseIn(folder()), 'record.rejected')
      expect(event?.['error_message']).to.include(reason)
      expect(JSON.stringify(event)).not.to.include('deep":')
    })
  }

  it('is news once: the next run rejects it again without saying so for the first time', async () => {
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        reject('message 17', 'its body is missing')
        yield await Promise.resolve({records: []})
      },
    })
    const first = await scriptedRun({source, folder: folder(), now: day(1)})
    const second = await scriptedRun({source, folder: folder(), now: day(2)})
    expect([first.firstRejects, second.firstRejects]).to.deep.equal([1, 0])
    expect(second.counts.rejected).to.equal(1)
  })

  it('fails the run when there are more than max_rejects, even if the source swallows the error', async () => {
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        for (let number = 0; number < 4; number += 1) {
          try {
            reject(`message ${number}`, 'bad')
          } catch {
            // As a careless source would.
          }
        }
        yield await Promise.resolve({records: []})
      },
    })
    const {error} = await scriptedRun({source, folder: folder(), now: day(1), maxRejects: 3})
    expect(error).to.be.an('error').with.property('message').that.includes('more than 3 records were rejected')
  })
})

describe('a source that breaks the contract', () => {
  it('is named for a page that is too large', async () => {
    const page = {records: Array.from({length: 10_001}, (_, id) => ({id}))}
    const source = scriptedSource(() => [], {
      async *extract() {
        yield await Promise.resolve(page)
      },
    })
    const {error} = await scriptedRun({source, folder: folder(), now: day(1)})
    expect(error).to.be.an('error').with.property('message').that.includes('a page of 10001 records')
  })

  it('is stopped although it ignores the signal', async () => {
    const controller = new AbortController()
    const source = scriptedSource(() => [], {
      async *extract() {
        setImmediate(() => controller.abort(stopped('SIGINT')))
        await new Promise(() => {})
        yield {records: []}
      },
    })
    const {error} = await scriptedRun({source, folder: folder(), now: day(1), signal: controller.signal})
    expect(outcomeOf(error)).to.equal('interrupted')
    const [failed] = await events(databaseIn(folder()), 'job.failed')
    expect(failed?.['error_message']).to.equal('stopped by SIGINT')
  })

  it('has its iterator closed when the limit is reached, and its iterator is consumed once', async () => {
    const closed = sinon.spy()
    const source = scriptedSource(() => [], {
      async *extract() {
        try {
          for (let id = 0; ; id += 1) yield await Promise.resolve({records: [{id}]})
        } finally {
          closed()
        }
      },
    })
    const {counts} = await scriptedRun({source, folder: folder(), now: day(1), request: {limit: 3}})
    expect(counts.extracted).to.equal(3)
    expect(closed.calledOnce).to.equal(true)
    expect(source.calls).to.have.length(1)
  })

  it('is refused before anything is asked where --since cannot select its records', async () => {
    const source = scriptedSource(() => [], {streams: [{objectType: 'thing', windowed: false}]})
    const run = scriptedRun({source, folder: folder(), now: day(2), request: {since: day(1)}})
    await run.then(
      () => expect.fail('it ran'),
      (error: unknown) => expect(outcomeOf(error)).to.equal('usage'),
    )
    expect(source.calls).to.deep.equal([])
    expect(await readdir(folder())).to.deep.equal([])
  })
})

describe('an account', () => {
  it('that turns to somebody else’s data is refused, and its records are not read', async () => {
    let identity = 'ada@example.com'
    const source = scriptedSource(() => [record('a', 1)], {check: () => Promise.resolve({identity})})
    await scriptedRun({source, folder: folder(), now: day(1)})
    identity = 'bob@example.com'
    const {error} = await scriptedRun({source, folder: folder(), now: day(2)})
    expect(outcomeOf(error)).to.equal('usage')
    expect(error)
      .to.be.an('error')
      .with.property('message')
      .that.includes('ada@example.com')
      .and.includes('bob@example.com')
    expect(source.calls).to.have.length(1)
  })
})

describe('two runs of one stream', () => {
  /** A run that reads until it is released. */
  const heldRun = async (runId: string) => {
    const release = Promise.withResolvers<void>()
    const reading = Promise.withResolvers<void>()
    const source = scriptedSource(() => [], {
      async *extract() {
        reading.resolve()
        await release.promise
        yield {records: [{id: 'a'}]}
      },
    })
    const report = scriptedRun({source, folder: folder(), runId})
    await reading.promise
    return {report, release: release.resolve}
  }

  it('do not run at the same time: the second names the first', async () => {
    const first = await heldRun('first')
    const second: unknown = await scriptedRun({source: scriptedSource(() => []), folder: folder()}).catch(
      (error: unknown) => error,
    )
    expect(outcomeOf(second)).to.equal('busy')
    expect(second).to.be.an('error').with.property('message').that.includes('first')
    first.release()
    expect((await first.report).counts.inserted).to.equal(1)
  })

  it('of different streams do', async () => {
    const first = await heldRun('first')
    const source = scriptedSource(() => [record('b', 1)])
    const second = await scriptedRun({source, folder: folder(), account: 'acct2'})
    expect(second.counts.inserted).to.equal(1)
    first.release()
    expect((await first.report).counts.inserted).to.equal(1)
  })
})

describe('a failing event write', () => {
  it('fails the run and does not hide the error that came first', async () => {
    const logged: string[] = []
    const {error} = await scriptedRun({
      source: scriptedSource(() => [], {extract: failing()}),
      folder: folder(),
      now: day(1),
      log: {...silentLog, error: (message) => logged.push(message)},
      warehouse: (real) => {
        const begin = real.begin.bind(real)
        const commit = () => Promise.reject(new Error('the event log is gone'))
        sinon.stub(real, 'begin').callsFake(async (run) => ({...(await begin(run)), commit}))
        return real
      },
    })
    expect(error).to.be.an('error').with.property('message', 'the service went away')
    expect(logged.join()).to.include('the event log is gone')
  })
})

describe('a dry run', () => {
  it('changes no byte of the DuckDB file or its folder', async () => {
    const source = scriptedSource(() => [record('a', 1), record('b', 2)])
    await scriptedRun({source, folder: folder(), now: day(1)})
    const look = async () => ({
      bytes: (await readFile(databaseIn(folder()))).toString('base64'),
      modified: (await stat(databaseIn(folder()), {bigint: true})).mtimeNs,
      files: await readdir(folder()),
    })
    const before = await look()
    const {counts} = await scriptedRun({source, folder: folder(), now: day(2), mode: 'dry-run', request: {full: true}})
    expect(counts.extracted).to.equal(2)
    expect(await look()).to.deep.equal(before)
  })

  it('makes no file where there is none', async () => {
    const source = scriptedSource(() => [record('a', 1)])
    const {counts} = await scriptedRun({source, folder: folder(), now: day(2), mode: 'dry-run'})
    expect(counts.extracted).to.equal(1)
    expect(await readdir(folder())).to.deep.equal([])
  })

  it('does not open a warehouse when --since says where to begin', async () => {
    const opened = sinon.spy()
    const source = scriptedSource(() => [record('a', day(2))])
    await scriptedRun({
      source,
      folder: folder(),
      now: day(3),
      mode: 'dry-run',
      request: {since: day(1)},
      warehouse: (real) => {
        opened()
        return real
      },
    })
    expect(opened.called).to.equal(false)
  })

  it('asks for a key of every record, shows up to three samples and counts duplicates exactly', async () => {
    const keyed = sinon.spy()
    const records = ['a', 'b', 'a', 'c', 'd', 'a'].map((id, at) => record(id, at))
    const source = scriptedSource(() => records, {
      idemKey(value, stream) {
        keyed()
        return `${stream.objectType}:${stream.sourceSystem}:${String(value['id'])}`
      },
    })
    const {preview, counts} = await scriptedRun({source, folder: folder(), now: day(1), mode: 'dry-run'})
    expect(keyed.callCount).to.equal(6)
    expect(preview?.duplicates).to.equal(2)
    expect(preview?.samples.map(({idemKey}) => idemKey)).to.have.length(3)
    expect(counts).to.include({extracted: 6, inserted: 0})
  })
})
