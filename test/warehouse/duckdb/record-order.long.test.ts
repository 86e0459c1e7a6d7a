import {expect} from 'chai'

import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {scriptedSource} from '../../support/scripted-source.ts'

const RECORDS = 80
/** Of these, ten rows and their records are compared at a time. */
const TEXT = 'x'.repeat(800_000)

describe('records that come in another order than their rows, in DuckDB', () => {
  const folder = folderForEachTest()
  const ids = Array.from({length: RECORDS}, (_, index) => index)

  it('are compared with their own rows, by value', async () => {
    const under = duckDBUnderTest(folder())
    const run = async (source: ReturnType<typeof scriptedSource>, now: number) =>
      under.run({source, now, request: {full: true}})
    await run(
      scriptedSource(() => ids.map((id) => ({id: String(id), at: 1, n: 1, text: TEXT}))),
      1e9,
    )
    const scattered = ids.map((index) => (index * 37) % RECORDS)
    // The members of those that stay the same stand in another order.
    const again = scriptedSource(() =>
      scattered.map((id) => ({text: TEXT, n: id % 2 === 0 ? 1 : 2, at: 1, id: String(id)})),
    )
    expect((await run(again, 2e9)).counts).to.include({inserted: 0, updated: 40, unchanged: 40})
    const rows = (await under.stored()).map(({payload}) => payload as {id: string; n: number})
    expect(rows.map(({id, n}) => [Number(id), n]).toSorted(([one = 0], [other = 0]) => one - other)).to.deep.equal(
      ids.map((id) => [id, id % 2 === 0 ? 1 : 2]),
    )
  })
})
