import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeMissedRows} from '../../support/missed-rows-contract.ts'

describe('a table of records that somebody dropped in DuckDB', () => {
  const folder = folderForEachTest()
  describeMissedRows(() => duckDBUnderTest(folder()))
})
