import {join} from 'node:path'

import type * as BigQuery from '../../../src/warehouse/bigquery/warehouse.ts'
import {PROJECT, query, startEmulator, type Emulator} from '../../support/bigquery/emulator.ts'
import {AddedColumns} from '../../support/bigquery/stub/rules.ts'
import {startStub, type Stub} from '../../support/bigquery/stub/server.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeNewColumn} from '../../support/new-column-contract.ts'
import type * as RunApart from '../../support/run-apart.ts'

describe('a column that is new in the definition of raw_objects, on BigQuery', () => {
  const folder = folderForEachTest()
  let emulator: Emulator
  let stub: Stub
  let dataset: string
  before(async () => {
    emulator = await startEmulator()
    stub = await startStub(emulator.url, [new AddedColumns(emulator.url)])
  })
  after(async () => {
    await stub.close()
    await emulator.stop()
  })
  beforeEach(async () => (dataset = await emulator.createDataset()))

  const connection = () => ({project: PROJECT, dataset, apiEndpoint: stub.url, touchAfter: 0})

  describeNewColumn(() => ({
    folder: folder(),
    open: async (root) => {
      const {BigQueryWarehouse} = (await import(join(root, 'src/warehouse/bigquery/warehouse.ts'))) as typeof BigQuery
      return new BigQueryWarehouse(connection(), new AbortController().signal)
    },
    run: async (root, run) => {
      const {runApart} = (await import(join(root, 'test/support/run-apart.ts'))) as typeof RunApart
      const [ended = {outcome: 'missing', message: ''}] = await runApart([
        {...run, folder: folder(), bigQuery: connection()},
      ])
      return ended
    },
    rows: async (table, columns) => {
      const rows = await query(
        emulator.url,
        `SELECT ${columns.join(', ')} FROM \`${PROJECT}.${dataset}.${table}\` ORDER BY external_id`,
      )
      return rows.map((row) => columns.map((column) => row[column]))
    },
  }))
})
