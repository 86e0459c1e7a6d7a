import {expect} from 'chai'

import {faultyBigQueryForEachTest, remembering} from '../../support/bigquery/for-each-test.ts'
import {isMutating} from '../../support/bigquery/faulty-service.ts'
import {describeDiff} from '../../support/diff-contract.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const FORBIDDEN = {status: 403, body: {error: {code: 403, errors: [{reason: 'accessDenied'}], message: 'no'}}} as const

describe('a diff with BigQuery', () => {
  const suite = faultyBigQueryForEachTest()
  describeDiff(() => suite.underTest, {
    remember: remembering(suite),
  })

  it('needs no right to write: a service that refuses all but questions gives it every answer', async () => {
    await suite.underTest.run({source: yielding({id: 'a'}, {id: 'b', n: 1}), now: DAY})
    suite.service.faults = (request) => (isMutating(request) ? FORBIDDEN : undefined)
    suite.service.forget()
    const source = yielding({id: 'a'}, {id: 'b', n: 2}, {id: 'c'})
    const run = {source, now: 2 * DAY, request: {full: true}, mode: 'dry-run', diffSamples: 3} as const
    const {diff, error} = await suite.underTest.run(run)
    expect([error, diff?.counts]).to.deep.equal([
      undefined,
      {insert: 1, update: 1, unchanged: 1, newer: 0, duplicate: 0},
    ])
    expect(suite.service.seen).to.not.be.empty
    expect(suite.service.seen.filter(isMutating)).to.deep.equal([])
  })

  it('says what comparing a commit may read before it reads a record', async () => {
    await suite.underTest.run({source: yielding({id: 'a'}), now: DAY})
    const told: string[] = []
    suite.service.faults = ({path, body}) => {
      if (path !== '/jobs') return undefined
      const {configuration} = JSON.parse(body) as {configuration?: {dryRun?: boolean; query?: {query?: string}}}
      if (configuration?.query?.query?.includes('raw_objects') !== true) return undefined
      told.push(configuration.dryRun === true ? 'looked at' : 'read')
      if (configuration.dryRun !== true) return undefined
      return {status: 200, body: {statistics: {totalBytesProcessed: '123456789'}}}
    }
    const {error} = await suite.underTest.run({
      source: yielding({id: 'a', n: 1}),
      now: 2 * DAY,
      request: {full: true},
      mode: 'dry-run',
      diffSamples: 3,
      priced: (bytes) => void told.push(String(bytes)),
    })
    expect(error).to.equal(undefined)
    expect(told.slice(0, 3)).to.deep.equal(['looked at', '123456789', 'read'])
    expect(new Set(told.slice(3))).to.deep.equal(new Set(['read']))
  })

  it('is no guess where production may not be read', async () => {
    await suite.underTest.run({source: yielding({id: 'a'}), now: DAY})
    suite.service.faults = (request) => (request.body.includes('raw_objects') ? FORBIDDEN : undefined)
    const run = {
      source: yielding({id: 'a'}),
      now: 2 * DAY,
      request: {full: true},
      mode: 'dry-run',
      diffSamples: 3,
    } as const
    const {diff, error} = await suite.underTest.run(run)
    expect(diff).to.equal(undefined)
    expect(String(error)).to.include('accessDenied')
  })
})
