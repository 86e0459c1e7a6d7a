import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeMissedRows} from '../../support/missed-rows-contract.ts'

describe('a table of records that somebody dropped in BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeMissedRows(() => suite.underTest)
})
