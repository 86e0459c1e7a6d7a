import {expect} from 'chai'

import {startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describePlans} from '../../support/plan-contract.ts'

describe('plans with BigQuery', () => {
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
  describePlans(() => underTest, {
    steps: 1,
    // It looks at a table after single statements, and not after transactions.
    remember: async () => {
      await underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
  })
})
