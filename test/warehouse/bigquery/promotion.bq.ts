import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describePromotion} from '../../support/promotion-contract.ts'

describe('promotion with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describePromotion(() => suite.underTest)
})
