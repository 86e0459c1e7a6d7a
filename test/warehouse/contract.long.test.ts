import {duckDBUnderTest} from '../support/duckdb-under-test.ts'
import {folderForEachTest} from '../support/folder.ts'
import {describeHostileData} from '../support/hostile-contract.ts'
import {describeOwnTables} from '../support/own-tables-contract.ts'
import {describeWarehouse} from '../support/warehouse-contract.ts'

describe('DuckDB as a warehouse', () => {
  const folder = folderForEachTest()
  describeWarehouse(() => duckDBUnderTest(folder()))
  describeHostileData(() => duckDBUnderTest(folder()))
  describeOwnTables(() => duckDBUnderTest(folder()))
})
