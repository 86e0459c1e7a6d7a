import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {describeDiff} from '../../support/diff-contract.ts'
import {folderForEachTest} from '../../support/folder.ts'

describe('a diff with BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder()})
    await underTest.createProduction()
  })
  describeDiff(() => underTest)
})
