import {bigQueryForEachTest, remembering} from '../../support/bigquery/for-each-test.ts'
import {describeLoop} from '../../support/loop-contract.ts'

describe('the whole loop with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeLoop(() => suite.underTest, {
    sequences: 1,
    steps: 6,
    makesProduction: false,
    remember: remembering(suite),
  })
})
