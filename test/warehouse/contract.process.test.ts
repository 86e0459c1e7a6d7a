import {duckDBUnderTest} from '../support/duckdb-under-test.ts'
import {folderForEachTest} from '../support/folder.ts'
import {describeRunsApart} from '../support/warehouse-contract.ts'

describe('DuckDB as a warehouse', () => {
  const folder = folderForEachTest()
  describeRunsApart(() => duckDBUnderTest(folder()))
})
