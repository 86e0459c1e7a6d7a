import {bigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {describeRevocation} from '../../support/revocation-contract.ts'
import {describeUndo} from '../../support/undo-contract.ts'

describe('undo with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeRevocation(() => suite.underTest)
  describeUndo(() => suite.underTest, {
    sequences: 1,
    runsInEach: 3,
    // It looks at a table after single statements, and not after transactions.
    remember: async () => {
      await suite.underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
    },
  })
})
