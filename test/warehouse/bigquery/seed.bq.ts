import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeSeed} from '../../support/seed-contract.ts'

describe('seeding with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeSeed(() => suite.underTest, {
    // It looks at a table after single statements, and not after transactions.
    remember: async () => {
      await suite.underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
  })
})
