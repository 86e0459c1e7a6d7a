import {expect} from 'chai'

import {codeOf} from '../../../src/base/errors.ts'
import {bigQueryForEachTest, faultyBigQueryForEachTest, remembering} from '../../support/bigquery/for-each-test.ts'
import {describePlans} from '../../support/plan-contract.ts'
import {apply, planOf} from '../../support/planned-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

describe('plans with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describePlans(() => suite.underTest, {
    steps: 1,
    remember: remembering(suite),
  })
})

describe('a plan with BigQuery whose rows are changed by hand once it has compared them', () => {
  const suite = faultyBigQueryForEachTest()
  const key = (id: string): string => `thing:scripted--acct1:${id}`
  /** Calls that when the transaction is sent, before it gets through. */
  const beforeTransaction = (change: () => Promise<void>): void => {
    let changed: Promise<void> | undefined
    suite.service.faults = ({body}) => {
      if (changed !== undefined || !body.includes('BEGIN TRANSACTION') || !body.includes('plan.applied'))
        return undefined
      changed = change()
      return {until: changed}
    }
  }
  const edits: Readonly<Record<string, () => Promise<void>>> = {
    'a value that is replaced': async () => suite.underTest.edit(key('a'), {id: 'a', n: 9}),
    'which keys are stored': async () => {
      await suite.underTest.copyRow(key('b'), key('c'))
      await suite.underTest.removeRow('raw_objects', key('b'))
    },
  }
  for (const [what, change] of Object.entries(edits)) {
    it(`writes nothing: ${what}`, async () => {
      await suite.underTest.run({source: yielding({id: 'a', n: 1}, {id: 'b'}), now: DAY})
      const run = {source: yielding({id: 'a', n: 2}, {id: 'b'}, {id: 'c'}), now: 2 * DAY, request: {full: true}}
      const {path} = await planOf(suite.underTest, run)
      let rows: unknown
      beforeTransaction(async () => {
        await change()
        rows = await suite.underTest.stored()
      })
      const error: unknown = await apply(suite.underTest, path).catch((thrown: unknown) => thrown)
      expect(codeOf(error)).to.equal('E_PLAN_STALE')
      expect(rows).to.not.equal(undefined)
      expect(await suite.underTest.stored()).to.deep.equal(rows)
    })
  }
})
