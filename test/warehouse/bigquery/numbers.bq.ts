import {expect} from 'chai'

import {codeOf} from '../../../src/base/errors.ts'
import type {Warehouse} from '../../../src/warehouse/warehouse.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {spoiling} from '../../support/bigquery/spoiling.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
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

  it('fail the run where they are more than the job allows, and nothing of the commit is stored', async () => {
    const source = yielding({id: 'a'}, {id: 'bad'})
    const warehouse = (real: Warehouse): Warehouse => spoiling(real, 'bad')
    const {error} = await suite.underTest.run({source, warehouse, now: DAY, maxRejects: 0})
    expect(codeOf(error)).to.equal('E_TOO_MANY_REJECTS')
    expect(await suite.underTest.stored()).to.deep.equal([])
  })
})
