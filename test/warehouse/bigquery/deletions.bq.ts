import {expect} from 'chai'

import type {Page} from '../../../src/source.ts'
import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {bigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {describeDeletions} from '../../support/deletions-contract.ts'
import {scriptedSource} from '../../support/scripted-source.ts'
import {DAY} from '../../support/warehouse-contract.ts'

describe('deletions that a listing shows, with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeDeletions(() => suite.underTest)

  it('has a record that came back seen by the run that reads it, although touch_after leaves others as they are', async () => {
    const touchedLate = await bigQueryUnderTest({emulator: suite.emulator, folder: suite.folder, touchAfter: 7 * DAY})
    await touchedLate.createProduction()
    const deleted = 'thing:scripted--acct1:back'
    const reading = (now: number, ...pages: readonly Page[]) => {
      const source = scriptedSource(() => [], {
        async *extract() {
          for (const page of pages) yield await Promise.resolve(page)
        },
      })
      return touchedLate.run({source, now, request: {full: true}})
    }
    const both = {records: [{id: 'back'}, {id: 'stays'}]}
    await reading(DAY, both)
    await reading(2 * DAY, {records: [], deleted: [deleted]})
    await reading(3 * DAY, both)
    await reading(4 * DAY, both)
    expect((await touchedLate.stored()).map(({key, lastSeen}) => [key, lastSeen])).to.deep.equal([
      [deleted, 3 * DAY],
      ['thing:scripted--acct1:stays', DAY],
    ])
  })
})
