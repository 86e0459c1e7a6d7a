import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeSeed} from '../../support/seed-contract.ts'

describe('seeding with DuckDB', () => {
  const folder = folderForEachTest()
  describeSeed(() => duckDBUnderTest(folder()))
})
