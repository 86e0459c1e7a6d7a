import {expect} from 'chai'

import {change} from '../../support/database.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {allRows} from '../../support/query-contract.ts'
import {databaseIn, PRODUCTION} from '../../support/scripted-run.ts'
import {describeViews} from '../../support/view-contract.ts'
import {yielding} from '../../support/warehouse-contract.ts'

describe('a view in a DuckDB file', () => {
  const folder = folderForEachTest()
  describe('is made, and', () => {
    describeViews(() => ({
      ...duckDBUnderTest(folder()),
      makeView: async (name, select) => change(databaseIn(folder()), `CREATE VIEW ${name} AS ${select}`),
    }))
  })

  it('finds members whose names hold quotes, dots and brackets', async () => {
    const names = ['a"b', "a'b", 'a.b', 'a[0]', '$', '#', '*x', 'a`b', 'a\tb', 'a\nb', '~0', 'a/b', '0', 'a\\b']
    const record = Object.fromEntries(names.map((name, index) => [name, index]))
    const underTest = duckDBUnderTest(folder())
    await underTest.run({source: yielding({id: 'a', ...record})})
    const columns = names.map((name, index) => ({
      name: `c${index}`,
      path: `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`,
      type: 'integer' as const,
    }))
    const stream = {sourceSystem: 'scripted--acct1', objectType: 'thing'}
    const {select} = await underTest.open().viewSql({tables: PRODUCTION, stream, columns})
    const [row] = await allRows(await underTest.open().query({sql: select, rows: 1}))
    expect(row?.slice(4)).to.deep.equal(names.map((_, index) => index))
  })
})
