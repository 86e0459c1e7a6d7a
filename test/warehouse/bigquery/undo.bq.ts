import {bigQueryForEachTest, remembering} from '../../support/bigquery/for-each-test.ts'
import {describeRevocation} from '../../support/revocation-contract.ts'
import {describeUndo} from '../../support/undo-contract.ts'

describe('undo with BigQuery', () => {
  const suite = bigQueryForEachTest()
  describeRevocation(() => suite.underTest)
  describeUndo(() => suite.underTest, {
    sequences: 1,
    runsInEach: 3,
    remember: remembering(suite),
  })
})
