import {liveDatasetForEachTest} from '../../../support/bigquery/live/for-each-test.ts'
import {describeHostileData} from '../../../support/hostile-contract.ts'
import {describeOwnTables} from '../../../support/own-tables-contract.ts'
import {describeRunsApart, describeWarehouse} from '../../../support/warehouse-contract.ts'

describe('BigQuery as a warehouse', () => {
  const suite = liveDatasetForEachTest()
  describeWarehouse(() => suite.underTest)
  describeRunsApart(() => suite.underTest)
  describeHostileData(() => suite.underTest)
  describeOwnTables(() => suite.underTest)
})
