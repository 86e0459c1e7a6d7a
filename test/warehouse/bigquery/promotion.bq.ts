import {bigQueryForEachTest, isolatedBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describePromotion} from '../../support/promotion-contract.ts'

describe('promotion with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describePromotion(() => suite.underTest)
})

describe('promotion with BigQuery from a dataset of its own, by identities of each mode', () => {
  const suite = isolatedBigQueryForEachTest()
  describePromotion(() => suite.underTest)
})
