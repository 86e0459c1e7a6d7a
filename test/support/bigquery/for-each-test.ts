import {expect} from 'chai'
import type {Suite} from 'mocha'

import {folderForEachTest} from '../folder.ts'
import type {Writes} from '../../../src/model/tables.ts'
import {PROJECT, startEmulator, type Emulator} from './emulator.ts'
import {chosenEmulator} from './emulators.ts'
import {expectFailures, isExpectedToFail} from './expected-failures.ts'
import {startFaultyService, type FaultyService} from './faulty-service.ts'
import {startIdentities, type Identities} from './identities.ts'
import {Rights, type Grants, type Role} from './stub/rights.ts'
import {startStub, type Rule, type Stub} from './stub/server.ts'
import {bigQueryUnderTest, directlyTo, underTestIn, type BigQueryUnderTest} from './under-test.ts'

/** One emulator for a suite; a folder, and a dataset with production's tables, for each of its tests. */
export interface BigQuerySuite {
  readonly emulator: Emulator
  readonly folder: string
  readonly underTest: BigQueryUnderTest
}

export interface FaultyBigQuerySuite extends BigQuerySuite {
  /** It stands in front of the emulator, and has nothing to do, and nothing seen, when a test begins. */
  readonly service: FaultyService
}

/** Gives the suite that calls this what it tests; no test may leave a staging table or a lease behind. */
export function bigQueryForEachTest(): BigQuerySuite {
  return suiteOn(startEmulator, ({emulator, folder}) => bigQueryUnderTest({emulator, folder}), {leavesNothing: true})
}

/** Makes bqemulator remember what production's rows are now: it looks at a table after single statements, and not after transactions. */
export const remembering = (suite: BigQuerySuite) => async (): Promise<void> => {
  await suite.underTest.query('UPDATE {raw_objects} SET object_type = object_type WHERE FALSE')
}

/** Gives the suite that calls this the same behind a service that can be made to fail. */
export function faultyBigQueryForEachTest(): FaultyBigQuerySuite {
  let service: FaultyService
  const start = async (): Promise<Emulator> => {
    const emulator = await startEmulator()
    service = await startFaultyService(emulator.url)
    return emulator
  }
  const suite = suiteOn(start, async ({emulator, folder}) => {
    service.faults = () => undefined
    return bigQueryUnderTest({emulator, folder, endpoint: service.url})
  })
  beforeEach(() => service.forget())
  after(async () => service.close())
  return Object.defineProperty(suite, 'service', {get: () => service}) as FaultyBigQuerySuite
}

export interface IsolatedBigQuerySuite extends BigQuerySuite {
  readonly identities: Identities
  /** It judges every request by the account that makes it. */
  readonly rights: Rights
  /** Gives the account that writes this another role on a dataset, for this test. */
  grant(writes: Writes, dataset: string, role: Role): void
}

export const ACCOUNTS: Readonly<Record<Writes, string>> = {
  nothing: 'reader@test-project.iam.gserviceaccount.com',
  test: 'tester@test-project.iam.gserviceaccount.com',
  production: 'loader@test-project.iam.gserviceaccount.com',
}

/** Gives the suite that calls this the same with test tables in a dataset of their own, and an identity with the least rights for each mode. */
export function isolatedBigQueryForEachTest(): IsolatedBigQuerySuite {
  const grants = new Map<string, Grants>()
  let identities: Identities
  let rights: Rights
  let stub: Stub
  const start = async (): Promise<Emulator> => {
    const emulator = await startEmulator()
    identities = await startIdentities()
    rights = new Rights({emulator: emulator.url, whoIs: (authorization) => identities.whoIs(authorization), grants})
    stub = await startStub(emulator.url, [rights])
    return emulator
  }
  const suite = suiteOn(start, async ({emulator, folder}) => {
    const [dataset, testDataset] = [await emulator.createDataset(), await emulator.createDataset()]
    const {nothing, test, production} = ACCOUNTS
    grants.set(nothing, {jobUser: true, datasets: {[dataset]: 'dataViewer', [testDataset]: 'dataViewer'}})
    grants.set(test, {jobUser: true, datasets: {[dataset]: 'dataViewer', [testDataset]: 'dataEditor'}})
    grants.set(production, {jobUser: true, datasets: {[dataset]: 'dataEditor', [testDataset]: 'dataEditor'}})
    const connection = {
      project: PROJECT,
      dataset,
      testDataset,
      touchAfter: 0,
      serviceEndpoint: stub.url,
      iamEndpoint: identities.url,
      identities: ACCOUNTS,
      credentialsFile: await identities.credentialsFile(folder),
    }
    return underTestIn(connection, directlyTo(emulator), folder)
  })
  beforeEach(() => rights.forget())
  after(async () => {
    await stub.close()
    await identities.close()
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS']
  })
  return Object.defineProperties(suite, {
    identities: {get: () => identities},
    rights: {get: () => rights},
    grant: {
      value: (writes: Writes, dataset: string, role: Role) => {
        const {jobUser = false, datasets = {}} = grants.get(ACCOUNTS[writes]) ?? {}
        grants.set(ACCOUNTS[writes], {jobUser, datasets: {...datasets, [dataset]: role}})
      },
    },
  }) as IsolatedBigQuerySuite
}

export interface BigQueryBehindRules {
  readonly stub: Stub
  /** It stands in front of the stub. */
  readonly service: FaultyService
  /** Makes a dataset with production's tables; faults of the test before are over, and what it sent is forgotten. */
  start(more?: Pick<UnderTestOptions, 'idleTimeout'>): Promise<BigQueryUnderTest>
}
type UnderTestOptions = Parameters<typeof bigQueryUnderTest>[0]

/** Gives the suite that calls this a service with rules that the emulator lacks; `rules` are made for its address. */
export function bigQueryBehindRules(rules: (emulatorUrl: string) => readonly Rule[]): BigQueryBehindRules {
  const folder = folderForEachTest()
  let emulator: Emulator
  let stub: Stub
  let service: FaultyService
  before(async () => {
    emulator = await startEmulator()
    stub = await startStub(emulator.url, rules(emulator.url))
    service = await startFaultyService(stub.url)
  })
  after(async () => {
    await service.close()
    await stub.close()
    await emulator.stop()
  })
  return {
    get stub() {
      return stub
    },
    get service() {
      return service
    },
    async start(more = {}) {
      service.faults = () => undefined
      const behind = {emulator: {...emulator, url: stub.url}, folder: folder(), endpoint: service.url}
      const underTest = await bigQueryUnderTest({...behind, ...more})
      await underTest.createProduction()
      service.forget()
      return underTest
    },
  }
}

function suiteOn(
  start: () => Promise<Emulator>,
  make: (bench: {readonly emulator: Emulator; readonly folder: string}) => Promise<BigQueryUnderTest>,
  {leavesNothing = false}: {readonly leavesNothing?: boolean} = {},
): BigQuerySuite {
  const folder = folderForEachTest()
  const {isNewForEachTest = false, cannot} = chosenEmulator()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async function () {
    expectFailures(this.test?.parent as Suite, cannot)
    if (!isNewForEachTest) emulator = await start()
  })
  after(async () => (isNewForEachTest ? undefined : emulator.stop()))
  afterEach('leaves no staging table and no lease behind', async function () {
    if (!leavesNothing || isExpectedToFail(this.currentTest)) return
    expect((await underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
  })
  afterEach(async () => (isNewForEachTest ? emulator.stop() : undefined))
  beforeEach(async () => {
    if (isNewForEachTest) emulator = await start()
    underTest = await make({emulator, folder: folder()})
    await underTest.createProduction()
  })
  return {
    get emulator() {
      return emulator
    },
    get folder() {
      return folder()
    },
    get underTest() {
      return underTest
    },
  }
}
