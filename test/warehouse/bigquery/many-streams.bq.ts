import {expect} from 'chai'

import {codeOf} from '../../../src/base/errors.ts'
import {BigQueryWarehouse} from '../../../src/warehouse/bigquery/warehouse.ts'
import {faultyBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import type {SeenRequest} from '../../support/bigquery/faulty-service.ts'
import type {ScriptedRun} from '../../support/scripted-run.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY} from '../../support/warehouse-contract.ts'

const KINDS = {
  taking: /CREATE TABLE `[^`]*lorchestra_lease_/,
  reading: /run_events AS/,
  givingBack: /SELECT run_id, about/,
} as const
const LONG_ENOUGH = 300

const reading = (...objectTypes: readonly string[]) =>
  scriptedSource(() => [], {
    streams: objectTypes.map((objectType) => ({objectType, windowed: true})),
    async *extract({streams}) {
      for (const {objectType} of streams) yield await Promise.resolve({objectType, records: [{id: 'a'}]})
    },
  })

/** Holds each statement of these kinds for a while, and counts how many of a kind were held at once. */
function countHeld() {
  const most = {taking: 0, reading: 0, givingBack: 0}
  const held = {taking: 0, reading: 0, givingBack: 0}
  return {
    most,
    hold({method, path, body}: SeenRequest) {
      const [kind] =
        Object.entries(KINDS).find(([, text]) => method === 'POST' && path === '/jobs' && text.test(body)) ?? []
      if (kind === undefined) return undefined
      const name = kind as keyof typeof KINDS
      held[name] += 1
      most[name] = Math.max(most[name], held[name])
      const {promise, resolve} = Promise.withResolvers<void>()
      setTimeout(() => {
        held[name] -= 1
        resolve()
      }, LONG_ENOUGH)
      return {until: promise}
    },
  }
}

describe('a run of several streams on BigQuery', () => {
  const suite = faultyBigQueryForEachTest()
  const run = async (more: Partial<ScriptedRun> = {}) =>
    suite.underTest.run({source: reading('one', 'two', 'three', 'four'), now: DAY, ...more})

  it('takes them, reads what is covered and gives them back at once, but for the first that it takes', async () => {
    const {most, hold} = countHeld()
    suite.service.faults = hold
    expect((await run()).error).to.equal(undefined)
    expect(most).to.deep.equal({taking: 3, reading: 4, givingBack: 4})
  })

  it('asks for one after the other below a ceiling of bytes, which is judged before each statement', async () => {
    const {most, hold} = countHeld()
    suite.service.faults = hold
    const {signal} = new AbortController()
    const warehouse = () =>
      new BigQueryWarehouse({...suite.underTest.connection, maxBytesBilled: '1000000000000'}, signal)
    expect((await run({warehouse})).error).to.equal(undefined)
    expect(most).to.deep.equal({taking: 1, reading: 1, givingBack: 1})
  })

  it('gives back all that it took where one is another’s', async () => {
    let refused: unknown
    const source = scriptedSource(() => [], {
      streams: [{objectType: 'three', windowed: true}],
      async *extract() {
        const before = await suite.underTest.tables()
        refused = await run().then(
          ({error}) => error,
          (thrown: unknown) => thrown,
        )
        expect(await suite.underTest.tables()).to.deep.equal(before)
        yield {records: [{id: 'a'}]}
      },
    })
    expect((await run({source})).error).to.equal(undefined)
    expect(codeOf(refused)).to.equal('E_STREAM_BUSY')
  })
})
