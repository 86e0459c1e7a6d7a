import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeLoop} from '../../support/loop-contract.ts'

describe('the whole loop with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeLoop(() => suite.underTest, {
    sequences: 1,
    steps: 6,
    makesProduction: false,
    // It looks at a table after single statements, and not after transactions.
    remember: async () => {
      await suite.underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
  })
})
