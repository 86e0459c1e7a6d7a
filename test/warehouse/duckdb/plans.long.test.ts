import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describePlans} from '../../support/plan-contract.ts'

describe('plans with DuckDB', () => {
  const folder = folderForEachTest()
  describePlans(() => duckDBUnderTest(folder()), {steps: 4})
})
