import {expect} from 'chai'
import {stub} from 'sinon'

import {codeOf} from '../../../src/base/errors.ts'
import {LocalBatch} from '../../../src/warehouse/local-batch.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {spoiling} from '../../support/bigquery/spoiling.ts'
import {apply, planOf} from '../../support/planned-run.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

interface Sent {
  readonly tableReference?: {readonly tableId: string}
  readonly schema?: {readonly fields: readonly {readonly name: string; readonly type: string}[]}
}

/** Numbers that a strict reader of JSON refuses although a double holds them. */
const COORDINATES = [67.174118, 10.79779, -4.880328, 1.005, 0.1 + 0.2]

describe('records in BigQuery that a reader of JSON may refuse', () => {
  const suite = faultyBigQueryForEachTest()

  it('are staged as text and read with their numbers rounded, so that coordinates are stored, and are the same when they come again', async () => {
    const records = COORDINATES.map((at, index) => ({id: `c${index}`, latitude: at, list: [at, -at]}))
    const first = await suite.underTest.run({source: yielding(...records), now: DAY})
    expect([first.error, first.counts.inserted, first.counts.rejected]).to.deep.equal([undefined, records.length, 0])
    expect((await suite.underTest.stored()).map(({payload}) => payload)).to.deep.equal(records)
    const again = await suite.underTest.run({source: yielding(...records), now: 2 * DAY, request: {full: true}})
    expect(again.counts).to.include({unchanged: records.length, updated: 0})
    const created = suite.service.seen
      .filter(({method, path}) => method === 'POST' && path.endsWith('/tables'))
      .map(({body}) => JSON.parse(body) as Sent)
      .filter(({tableReference}) => tableReference?.tableId.includes('_records_') === true)
    expect(created.length).to.be.greaterThan(0)
    for (const {schema} of created)
      expect(schema?.fields.find(({name}) => name === 'payload')?.type, 'what is loaded').to.equal('STRING')
    const reading = suite.service.seen.filter(({body}) => /PARSE_JSON\(payload/.test(body))
    expect(reading.length).to.be.greaterThan(1)
    for (const {body} of reading) expect(body).to.not.match(/PARSE_JSON\(payload(?!, wide_number_mode => 'round'\))/)
  })

  it('are rejects that say so, and cost none of those beside them', async () => {
    const source = yielding({id: 'a'}, {id: 'bad'}, {id: 'b'})
    const spoiled = {source, warehouse: (real: Warehouse) => spoiling(real, 'bad')}
    const {error, counts, firstRejects, runId} = await suite.underTest.run({...spoiled, now: DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({listed: 3, extracted: 3, inserted: 2, rejected: 1})
    expect(firstRejects).to.equal(1)
    expect((await suite.underTest.stored()).map(({key}) => key.slice(-2))).to.deep.equal([':a', ':b'])
    const rejects = await suite.underTest.open().readRejects(PRODUCTION, {of: {runId}, closedToo: true, limit: 10})
    expect(rejects?.map(({reference, reason, open}) => [reference, reason, open])).to.deep.equal([
      [
        'thing:scripted--acct1:bad',
        'BigQuery cannot read it as JSON, not even with its numbers rounded to doubles',
        true,
      ],
    ])
    const again = await suite.underTest.run({...spoiled, now: 2 * DAY, request: {full: true}})
    expect(again.counts).to.include({unchanged: 2, inserted: 0, rejected: 1})
    expect(again.firstRejects).to.equal(0)
    const good = await suite.underTest.run({source, now: 3 * DAY, request: {full: true}})
    expect(good.counts).to.include({unchanged: 2, inserted: 1, rejected: 0})
  })

  const spoiled = (...records: readonly object[]) => ({
    source: yielding(...records),
    warehouse: (real: Warehouse) => spoiling(real, 'bad'),
    request: {full: true},
  })
  const STORED = [{id: 'a'}, {id: 'bad', n: 1}, {id: 'twice', n: 1}]
  const REJECTED = [
    {id: 'a', n: 2},
    {id: 'bad', n: 2},
    {id: 'twice', n: 2},
    {id: 'twice', of: 'bad'},
    {id: 'new', of: 'bad'},
    {id: 'good'},
  ]

  it('are foretold as rejects by a diff, whether their keys are stored, new, or come with a good record before', async () => {
    await suite.underTest.run({source: yielding(...STORED), now: DAY})
    const run = {...spoiled(...REJECTED), now: 2 * DAY}
    const foretold = await suite.underTest.run({...run, mode: 'dry-run', diffSamples: 3})
    expect(foretold.error).to.equal(undefined)
    expect(foretold.diff?.counts).to.deep.equal({insert: 1, update: 2, unchanged: 0, newer: 0, duplicate: 0})
    expect([foretold.counts.rejected, foretold.firstRejects]).to.deep.equal([3, 3])
    expect(foretold.diff?.inserted.map(({idemKey}) => idemKey)).to.deep.equal(['thing:scripted--acct1:good'])
    const done = await suite.underTest.run(run)
    expect(done.error).to.equal(undefined)
    expect(done.counts).to.include({inserted: 1, updated: 2, unchanged: 0, duplicates: 0, rejected: 3})
    const test = await suite.underTest.run({...run, mode: 'test-table', diffSamples: 3})
    expect(test.counts).to.include({inserted: 3, rejected: 3})
    expect(test.diff?.counts).to.include({insert: 3, update: 0})
  })

  it('are foretold by a diff, too, where nothing of them looked as if they could be refused', async () => {
    const undoubting = stub(LocalBatch.prototype, 'recordsInDoubt').callsFake(async function* () {})
    try {
      await suite.underTest.run({source: yielding(...STORED), now: DAY})
      const run = {...spoiled({id: 'a'}, {id: 'bad', n: 2}), now: 2 * DAY}
      const {counts, diff} = await suite.underTest.run({...run, mode: 'dry-run', diffSamples: 3})
      expect([diff?.counts, counts.rejected]).to.deep.equal([
        {insert: 0, update: 0, unchanged: 1, newer: 0, duplicate: 0},
        1,
      ])
      expect((await suite.underTest.run(run)).counts).to.include({unchanged: 1, updated: 0, rejected: 1})
    } finally {
      undoubting.restore()
    }
  })

  it('are in a plan as the rejects that they are, and applying it logs them', async () => {
    await suite.underTest.run({source: yielding(...STORED), now: DAY})
    const {path, run} = await planOf(suite.underTest, {...spoiled(...REJECTED), now: 2 * DAY})
    expect(run.report.error).to.equal(undefined)
    const {counts, runId = ''} = await apply(suite.underTest, path)
    expect(counts).to.include({inserted: 1, updated: 2, rejected: 3})
    const rejects = await suite.underTest.open().readRejects(PRODUCTION, {of: {runId}, closedToo: true, limit: 10})
    expect(rejects?.map(({reference}) => reference.split(':').at(-1)).toSorted()).to.deep.equal(['bad', 'new', 'twice'])
  })

  it('are more than the job allows in a diff as in the run', async () => {
    const run = {...spoiled({id: 'a'}, {id: 'bad'}), now: DAY, maxRejects: 0}
    const {error, diff} = await suite.underTest.run({...run, mode: 'dry-run', diffSamples: 3})
    expect([codeOf(error), diff]).to.deep.equal(['E_TOO_MANY_REJECTS', undefined])
  })

  const createdWith = (name: string): readonly (string | undefined)[] =>
    suite.service.seen
      .filter(({method, path}) => method === 'POST' && path.endsWith('/tables'))
      .map(({body}) => JSON.parse(body) as Sent)
      .filter(({tableReference}) => tableReference?.tableId.includes(name) === true)
      .map(({schema}) => schema?.fields.find((field) => field.name === 'payload')?.type)
  const scripts = (): readonly number[] =>
    suite.service.seen.filter(({body}) => body.includes('BEGIN TRANSACTION')).map(({body}) => body.length)

  it('are many of one commit, and their rejects are staged, because a statement could not hold them', async () => {
    const records = Array.from({length: 300}, (_, index) => ({id: `${index}-${'long'.repeat(100)}`, of: 'bad'}))
    const {error, counts, firstRejects, runId} = await suite.underTest.run({
      ...spoiled({id: 'a'}, ...records),
      now: DAY,
      maxRejects: 1000,
    })
    expect([error, counts.inserted, counts.rejected, firstRejects]).to.deep.equal([undefined, 1, 300, 300])
    expect(Math.max(...scripts())).to.be.within(1000, 60_000)
    const wanted = {of: {runId}, closedToo: true, limit: 1000}
    const rejects = await suite.underTest.open().readRejects(PRODUCTION, wanted)
    expect(rejects?.map(({reference}) => reference.split(':').at(-1)).toSorted()).to.deep.equal(
      records.map(({id}) => id).toSorted(),
    )
    expect((await suite.underTest.tables()).filter((name) => name.includes('_rejects_'))).to.deep.equal([])
  })

  it('are events, too: many of them are staged as text, and hold what a source gave them', async () => {
    const references = Array.from({length: 300}, (_, index) => `${index} ${'"long" \\ é '.repeat(30)}end`)
    const source = scriptedSource(() => [], {
      currentBookmark: () => Promise.resolve({at: COORDINATES}),
      async *extract({reject}) {
        for (const reference of references) reject(reference, 'it is damaged')
        yield await Promise.resolve({records: [{id: 'a'}]})
      },
    })
    const {error, counts, firstRejects} = await suite.underTest.run({source, now: DAY, maxRejects: 1000})
    expect([error, counts.rejected, firstRejects]).to.deep.equal([undefined, 300, 300])
    expect(createdWith('_events_')).to.deep.equal(['STRING'])
    const logged = (await suite.underTest.logged()).filter(({type}) => type === 'record.rejected')
    expect(logged.map(({payload}) => payload?.['reference']).toSorted()).to.deep.equal(references.toSorted())
    expect(logged[0]?.payload).to.deep.include({job: 'job', window: {since: null, until: '1970-01-02T00:00:00.000Z'}})
  })

  it('are asked about only where readers of JSON differ: what is new and plain is not sent for a diff', async () => {
    await suite.underTest.run({source: yielding({id: 'a'}), now: DAY})
    suite.service.forget()
    const records = [
      {id: 'b', text: 'plain', list: [1, -2.5, null, true, 'é']},
      {id: 'c', text: 'in doubt', number: 0.1 + 0.2},
      {id: 'd', text: 'a pair of surrogates is plain: 😀'},
    ]
    const run = {source: yielding(...records), now: 2 * DAY, mode: 'dry-run', diffSamples: 3} as const
    expect((await suite.underTest.run({...run, request: {full: true}})).diff?.counts.insert).to.equal(3)
    const sent = suite.service.seen.map(({body}) => body).join('\n')
    expect([sent.includes('in doubt'), sent.includes('plain')]).to.deep.equal([true, false])
  })

  it('fail the run where they are more than the job allows, and nothing of the commit is stored', async () => {
    const source = yielding({id: 'a'}, {id: 'bad'})
    const warehouse = (real: Warehouse): Warehouse => spoiling(real, 'bad')
    const {error} = await suite.underTest.run({source, warehouse, now: DAY, maxRejects: 0})
    expect(codeOf(error)).to.equal('E_TOO_MANY_REJECTS')
    expect(await suite.underTest.stored()).to.deep.equal([])
  })
})
