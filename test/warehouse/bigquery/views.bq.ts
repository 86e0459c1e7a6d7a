import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {call, PROJECT} from '../../support/bigquery/emulator.ts'
import {describeViews} from '../../support/view-contract.ts'

describe('a view in BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeViews(() => ({
    ...suite.underTest,
    makeView: async (name, select) => {
      const tableReference = {projectId: PROJECT, datasetId: suite.underTest.dataset, tableId: name}
      const view = {query: select, useLegacySql: false}
      await call(suite.emulator.url, 'POST', `/datasets/${suite.underTest.dataset}/tables`, {tableReference, view})
    },
  }))
})
