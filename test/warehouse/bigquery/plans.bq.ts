import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describePlans} from '../../support/plan-contract.ts'

describe('plans with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describePlans(() => suite.underTest, {
    steps: 1,
    // It looks at a table after single statements, and not after transactions.
    remember: async () => {
      await suite.underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
  })
})
