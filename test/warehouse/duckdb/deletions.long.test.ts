import {describeDeletions} from '../../support/deletions-contract.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'

describe('deletions that a listing shows, with DuckDB', () => {
  const folder = folderForEachTest()
  describeDeletions(() => duckDBUnderTest(folder()))
})
