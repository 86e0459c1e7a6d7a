import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeRevocation} from '../../support/revocation-contract.ts'

describe('undo with DuckDB', () => {
  const folder = folderForEachTest()
  describeRevocation(() => duckDBUnderTest(folder()))
})
