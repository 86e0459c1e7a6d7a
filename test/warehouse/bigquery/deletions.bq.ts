import {expect} from 'chai'

import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {describeDeletions} from '../../support/deletions-contract.ts'
import {folderForEachTest} from '../../support/folder.ts'

describe('deletions that a listing shows, with BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder()})
    await underTest.createProduction()
  })
  afterEach('leaves no staging table and no lease behind', async () => {
    expect((await underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
  })
  describeDeletions(() => underTest)
})
