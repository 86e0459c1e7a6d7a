import {expect} from 'chai'

import {codeOf, messageWithCauses, type LorchestraError} from '../../../src/base/errors.ts'
import type {Writes} from '../../../src/model/tables.ts'
import {BigQueryWarehouse, type BigQueryOptions} from '../../../src/warehouse/bigquery/warehouse.ts'
import type {Rights} from '../../../src/warehouse/rights.ts'
import {call} from '../../support/bigquery/emulator.ts'
import {ACCOUNTS, isolatedBigQueryForEachTest} from '../../support/bigquery/for-each-test.ts'
import {PRODUCTION} from '../../support/scripted-run.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

const READS = /\.(datasets\.get|tables\.(get|getData|list)|jobs\.create)$/

describe('runs of BigQuery whose modes have identities of their own', () => {
  const suite = isolatedBigQueryForEachTest()
  const rowsInProduction = async () => [await suite.underTest.stored(), await suite.underTest.logged()]
  /** Where requests wrote, or would have. */
  const written = (): readonly string[] => [
    ...new Set(
      suite.rights.judged.flatMap(({needs}) =>
        needs.filter(({permission}) => !READS.test(permission)).map(({dataset}) => dataset),
      ),
    ),
  ]
  const accounts = (): readonly string[] => [...new Set(suite.rights.judged.map(({account}) => account))]
  const refused = () => suite.rights.judged.filter(({isRefused}) => isRefused)
  const open = (writes: Writes, options: Partial<BigQueryOptions> = {}): BigQueryWarehouse =>
    new BigQueryWarehouse({...suite.underTest.connection, ...options, writes}, new AbortController().signal)
  const failureOf = async (work: Promise<unknown>): Promise<LorchestraError> =>
    work.then(
      () => {
        throw new Error('it went well')
      },
      (error: unknown) => error as LorchestraError,
    )

  it('keep test runs out of the dataset of production, but to read it', async () => {
    const {underTest} = suite
    await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const before = await rowsInProduction()
    suite.rights.forget()
    for (const day of [2, 3]) {
      const source = yielding({id: 'a', day}, {id: 'b'})
      expect((await underTest.run({source, now: day * DAY, mode: 'test-table'})).error).to.equal(undefined)
    }
    expect(accounts()).to.deep.equal([ACCOUNTS.test])
    expect(refused()).to.deep.equal([])
    expect(written()).to.deep.equal([underTest.connection.testDataset])
    expect(await rowsInProduction()).to.deep.equal(before)
    expect((await underTest.stored('test_raw_objects')).map(({payload}) => payload)).to.deep.equal([
      {id: 'a', day: 3},
      {id: 'b'},
    ])
  })

  it('let dry runs do without any right to write, with a diff and without', async () => {
    const {underTest} = suite
    await underTest.run({source: yielding({id: 'a'}), now: DAY})
    const before = await rowsInProduction()
    suite.rights.forget()
    const source = yielding({id: 'a', n: 2}, {id: 'b'})
    const {error, diff} = await underTest.run({source, now: 2 * DAY, mode: 'dry-run', diffSamples: 3})
    expect(error).to.equal(undefined)
    expect(diff?.counts).to.include({insert: 1, update: 1})
    expect((await underTest.run({source, now: 2 * DAY, mode: 'dry-run'})).error).to.equal(undefined)
    expect(accounts()).to.deep.equal([ACCOUNTS.nothing])
    expect(refused()).to.deep.equal([])
    expect(written()).to.deep.equal([])
    expect(await rowsInProduction()).to.deep.equal(before)
  })

  it('are stopped by IAM where they write what their mode must not, whatever the program does', async () => {
    for (const writes of ['nothing', 'test'] as const) {
      const warehouse = open(writes)
      const error = await failureOf(warehouse.dropTables(PRODUCTION))
      expect(codeOf(error), messageWithCauses(error)).to.equal('E_PERMISSION_DENIED')
      expect(refused().at(-1)).to.include({account: ACCOUNTS[writes], method: 'DELETE'})
    }
    expect(await suite.underTest.tables()).to.include.members(['event_log', 'raw_objects'])
  })

  it('lie with staging of production in a dataset of its own, where that is given', async () => {
    const stagingDataset = await suite.emulator.createDataset()
    suite.grant('production', stagingDataset, 'dataEditor')
    const {underTest} = suite
    const source = yielding({id: 'a'})
    expect(
      (
        await underTest.run({
          source,
          now: DAY,
          warehouse: () => open('production', {stagingDataset}),
        })
      ).error,
    ).to.equal(undefined)
    const loads = suite.rights.judged.filter(({path}) => path === '/upload/jobs')
    expect(new Set(loads.flatMap(({needs}) => needs.map(({dataset}) => dataset)))).to.deep.equal(
      new Set(['', stagingDataset]),
    )
    expect((await underTest.stored()).length).to.equal(1)
    expect(await call(suite.emulator.url, 'GET', `/datasets/${stagingDataset}/tables`)).to.deep.include({tables: []})
  })

  describe('are examined by doctor, which', () => {
    const rightsOf = async (writes: Writes, options: Partial<BigQueryOptions> = {}): Promise<Rights | undefined> =>
      open('nothing', options).examineRights(PRODUCTION, writes)

    it('proves by what IAM says that dry runs and test runs cannot write production', async () => {
      for (const [writes, found] of [
        ['nothing', `dry runs cannot write production: proved by IAM, as ${ACCOUNTS.nothing}`],
        ['test', `test runs cannot write production: proved by IAM, as ${ACCOUNTS.test}`],
        ['production', `may write event_log and raw_objects, as ${ACCOUNTS.production}`],
      ] as const)
        expect(await rightsOf(writes)).to.deep.equal({isProved: true, found})
      expect((await suite.underTest.tables()).toSorted()).to.deep.equal(['event_log', 'raw_objects'])
    })

    it('warns where one could write production, and says by which right', async () => {
      suite.grant('test', suite.underTest.dataset, 'dataEditor')
      const {isProved, found, next} = (await rightsOf('test')) ?? {}
      expect(isProved).to.equal(false)
      expect(found).to.match(/IAM does not prove: tester@\S+ has .*bigquery\.tables\.updateData/)
      expect(next).to.include('docs/bigquery.md')
    })

    it('warns where it cannot be told, as production is not there yet', async () => {
      await open('production').dropTables(PRODUCTION)
      const {isProved, found} = (await rightsOf('nothing')) ?? {}
      expect([isProved, found?.includes('are not there yet')]).to.deep.equal([false, true])
      await suite.underTest.createProduction()
    })

    it('fails where a mode has too few rights', async () => {
      suite.grant('test', suite.underTest.connection.testDataset ?? '', 'dataViewer')
      const error = await failureOf(rightsOf('test'))
      expect(error.message).to.include(`may not bigquery.tables.create in ${suite.underTest.connection.testDataset}`)
      suite.grant('production', suite.underTest.dataset, 'dataViewer')
      expect((await failureOf(rightsOf('production'))).message).to.include('bigquery.tables.updateData')
    })

    it('fails where the credentials may not act as an account, and says what lets them', async () => {
      const {identities} = suite
      identities.forbidden.add(ACCOUNTS.test)
      const error = await failureOf(rightsOf('test'))
      identities.forbidden.clear()
      expect(error.message).to.include(`the credentials may not act as ${ACCOUNTS.test} (403)`)
      expect(error.next).to.include('roles/iam.serviceAccountTokenCreator')
      identities.isDisabled = true
      const disabled = await failureOf(rightsOf('test'))
      identities.isDisabled = false
      expect(disabled.next).to.include('gcloud services enable iamcredentials.googleapis.com')
    })

    it('fails where the dataset of test tables is not there', async () => {
      suite.grant('test', 'nowhere', 'dataEditor')
      const error = await failureOf(rightsOf('test', {testDataset: 'nowhere'}))
      expect([codeOf(error), error.next?.includes('bq mk')]).to.deep.equal(['E_DATASET_MISSING', true])
    })
  })
})
