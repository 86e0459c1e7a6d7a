import {bigQueryForEachTest, remembering} from '../../support/bigquery/for-each-test.ts'
import {describeSeed} from '../../support/seed-contract.ts'

describe('seeding with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeSeed(() => suite.underTest, {
    remember: remembering(suite),
  })
})
