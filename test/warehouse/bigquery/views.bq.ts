import {call, PROJECT, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from '../../support/bigquery/under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeViews} from '../../support/view-contract.ts'

describe('a view in BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async () => (emulator = await startEmulator()))
  after(async () => emulator.stop())
  beforeEach(async () => {
    underTest = await bigQueryUnderTest({emulator, folder: folder()})
    await underTest.createProduction()
  })
  describeViews(() => ({
    ...underTest,
    makeView: async (name, select) => {
      const tableReference = {projectId: PROJECT, datasetId: underTest.dataset, tableId: name}
      const view = {query: select, useLegacySql: false}
      await call(emulator.url, 'POST', `/datasets/${underTest.dataset}/tables`, {tableReference, view})
    },
  }))
})
