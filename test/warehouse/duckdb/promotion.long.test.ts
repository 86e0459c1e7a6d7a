import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describePromotion} from '../../support/promotion-contract.ts'

describe('promotion with DuckDB', () => {
  const folder = folderForEachTest()
  describePromotion(() => duckDBUnderTest(folder()))
})
