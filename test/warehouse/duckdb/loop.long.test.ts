import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeLoop} from '../../support/loop-contract.ts'

describe('the whole loop with DuckDB', () => {
  const folder = folderForEachTest()
  describeLoop(() => duckDBUnderTest(folder()), {
    sequences: 2,
    steps: 20,
    formerTable: 'lorchestra_undo',
    makesProduction: true,
  })
})
