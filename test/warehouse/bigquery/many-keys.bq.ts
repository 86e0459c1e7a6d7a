import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeManyRecords} from '../../support/warehouse-contract.ts'

describe('BigQuery with more keys than a filter names one by one', () => {
  const suite = bigQueryForEachTest()
  describeManyRecords(() => suite.underTest, 'thousands of', 1000)
})
