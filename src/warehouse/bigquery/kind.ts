import {parseDuration} from '../../base/time.ts'
import type {WarehouseKind} from '../kind.ts'
import type {BigQuerySettings} from './settings.ts'

export const bigquery: WarehouseKind<BigQuerySettings> = {
  type: 'bigquery',
  name: 'BigQuery',
  summary: 'a dataset of yours',
  chosenBy: 'EVENTS_BQ_DATASET',
  productionTables: 'made by command',
  // It documents 500 levels and, of numbers, 64-bit integers and doubles for its JSON type
  // (https://docs.cloud.google.com/bigquery/docs/reference/standard-sql/data-types#json_type), and 100 MB for a row that
  // is loaded (https://docs.cloud.google.com/bigquery/quotas#load_jobs), where a payload that is quotes takes twice its bytes.
  payloadLimits: {levels: 500, bytes: 49_000_000, wideNumbers: false},
  // Every commit with records reads the stored keys, and that is billed.
  commitAfter: {records: 500_000, milliseconds: 5 * 60 * 1000},
  starter: {
    yaml: `warehouse:
  type: bigquery
  project: \${GCP_PROJECT}
  dataset: \${EVENTS_BQ_DATASET}
  # location: EU # where the dataset is; asked for if left out
  # max_bytes_billed: 10000000000 # a run bills no more
  # touch_after: 7d # an unchanged row gets a new last_seen when its own is older than this
  # test_tables_expire: 30d # BigQuery removes test tables this long after the last run into them
`,
    environment: 'GCP_PROJECT=\nEVENTS_BQ_DATASET=\n',
    ignored: [],
  },
  async loadSettings() {
    const {bigquerySettings} = await import('./settings.ts')
    return bigquerySettings
  },
  async load() {
    return Promise.all([import('./warehouse.ts'), import('@google-cloud/bigquery')])
  },
  placeOf: ({project, dataset, apiEndpoint}) => [apiEndpoint, project, dataset].filter(Boolean).join('/'),
  async open({touchAfter, testTablesExpire, ...settings}, {signal, writes}) {
    const {BigQueryWarehouse} = await import('./warehouse.ts')
    const durations = {
      touchAfter: parseDuration(touchAfter),
      testTablesExpire: parseDuration(testTablesExpire),
    }
    return new BigQueryWarehouse({...settings, ...durations, writes}, signal)
  },
}
