import {writeFile} from 'node:fs/promises'
import {join} from 'node:path'

import {expect} from 'chai'

import {loadConfig} from '../../../src/config/config.ts'
import type {WarehouseSettings} from '../../../src/config/warehouse-settings.ts'
import type {LorchestraError} from '../../../src/base/errors.ts'
import {WAREHOUSE_KINDS} from '../../../src/warehouse/kinds.ts'
import {temporaryFolder} from '../../support/cli.ts'

const READER = 'reader@example.com.my-project.iam.gserviceaccount.com'
const TESTER = 'tester@my-project.iam.gserviceaccount.com'
const KEY = 'projects/p/locations/eu/keyRings/r/cryptoKeys/k'

describe('the settings of a BigQuery warehouse', () => {
  const load = async (lines: string): Promise<WarehouseSettings> => {
    const folder = await temporaryFolder()
    const text = `warehouse:\n  type: bigquery\n  project: p\n  dataset: d\n${lines.replaceAll(/^/gm, '  ')}\n`
    await writeFile(join(folder, 'lorchestra.yaml'), text)
    const config = await loadConfig({workingFolder: folder, environment: {}, kinds: WAREHOUSE_KINDS})
    return config.warehouse.settings
  }

  it('name who runs of each mode are, and where what test runs make lies', async () => {
    const settings = await load(
      `test_dataset: d_test\nstaging_dataset: d_staging\nidentities:\n  dry_run: ${READER}\n  test_table: ${TESTER}`,
    )
    expect(settings).to.deep.include({
      testDataset: 'd_test',
      stagingDataset: 'd_staging',
      identities: {nothing: READER, test: TESTER},
    })
  })

  it('say who pays, how, with which key, and where the service is', async () => {
    const settings = await load(
      `billing_project: example.com:billing\nlabels: {team: ingestion}\npriority: batch\nreservation: none\nkms_key: ${KEY}\nservice_endpoint: https://bigquery.europe-west3.rep.googleapis.com/\niam_endpoint: https://iamcredentials-own.p.googleapis.com`,
    )
    expect(settings).to.deep.include({
      billingProject: 'example.com:billing',
      labels: {team: 'ingestion'},
      priority: 'batch',
      reservation: 'none',
      kmsKey: KEY,
      serviceEndpoint: 'https://bigquery.europe-west3.rep.googleapis.com',
      iamEndpoint: 'https://iamcredentials-own.p.googleapis.com',
    })
  })

  for (const [what, lines, expected] of [
    ['a test dataset that is that of production', 'test_dataset: D', 'warehouse.test_dataset: it is the dataset of'],
    [
      'one dataset for test tables and staging',
      'test_dataset: e\nstaging_dataset: e',
      'warehouse.staging_dataset: it is test_dataset',
    ],
    [
      'identities for an emulator',
      `api_endpoint: http://127.0.0.1:9050\nidentities: {dry_run: ${READER}}`,
      'warehouse.identities: an emulator (api_endpoint) gets no credentials',
    ],
    [
      'another address than a service account’s',
      'identities: {dry_run: me@example.com}',
      'lorchestra.yaml:5:16: warehouse.identities.dry_run: expected the address of a service account',
    ],
    [
      'an identity of no mode',
      `identities:\n  tests: ${TESTER}`,
      'lorchestra.yaml:6:5: unknown key "tests" in warehouse.identities',
    ],
    ['credentials over plain http', 'service_endpoint: http://192.0.2.1', 'plain http is for this machine only'],
    ['another tool’s label', 'labels: {tool: mine}', 'a label is small letters, digits, _ and -, and not tool'],
    ['a key that is no key', 'kms_key: k', 'expected projects/P/locations/L/keyRings/R/cryptoKeys/K'],
    ['a priority that is none', 'priority: low', 'warehouse.priority: '],
    ['a reservation that is none', 'reservation: r', 'expected projects/P/locations/L/reservations/R, or none'],
  ] as const) {
    it(`refuse ${what}`, async () => {
      const error = await load(lines).catch((thrown: unknown) => thrown as LorchestraError)
      expect((error as LorchestraError).outcome).to.equal('usage')
      expect((error as LorchestraError).message).to.include(expected)
    })
  }
})
