import {expect} from 'chai'

import {folderForEachTest} from '../folder.ts'
import {startEmulator, type Emulator} from './emulator.ts'
import {startFaultyService, type FaultyService} from './faulty-service.ts'
import {bigQueryUnderTest, type BigQueryUnderTest} from './under-test.ts'

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
  const suite = suiteOn(startEmulator, ({emulator, folder}) => bigQueryUnderTest({emulator, folder}))
  afterEach('leaves no staging table and no lease behind', async () => {
    expect((await suite.underTest.tables()).filter((name) => name.startsWith('lorchestra_'))).to.deep.equal([])
  })
  return suite
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

function suiteOn(
  start: () => Promise<Emulator>,
  make: (bench: {readonly emulator: Emulator; readonly folder: string}) => Promise<BigQueryUnderTest>,
): BigQuerySuite {
  const folder = folderForEachTest()
  let emulator: Emulator
  let underTest: BigQueryUnderTest
  before(async () => (emulator = await start()))
  after(async () => emulator.stop())
  beforeEach(async () => {
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
