import {folderForEachTest} from '../support/folder.ts'
import {describeHostileData} from '../support/hostile-contract.ts'
import {memoryUnderTest} from '../support/memory/under-test.ts'
import {describeOwnTables} from '../support/own-tables-contract.ts'
import {describeRevocation} from '../support/revocation-contract.ts'
import {describeWarehouse, type WarehouseUnderTest} from '../support/warehouse-contract.ts'

describe('a third kind of warehouse, known by its descriptor alone', () => {
  describe('is opened by it, and', () => {
    const folder = folderForEachTest()
    let underTest: WarehouseUnderTest
    beforeEach(async () => {
      underTest = await memoryUnderTest(folder())
    })
    describeWarehouse(() => underTest)
    describeHostileData(() => underTest)
    describeRevocation(() => underTest)
    describeOwnTables(() => underTest)
  })
})
