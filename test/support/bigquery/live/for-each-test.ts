import {expect} from 'chai'
import type {Suite} from 'mocha'

import {folderForEachTest} from '../../folder.ts'
import {PRODUCTION} from '../../scripted-run.ts'
import {expectFailures, isExpectedToFail} from '../expected-failures.ts'
import {underTestIn, type BigQueryUnderTest} from '../under-test.ts'
import {liveService} from './service.ts'

/** Gives each test of the suite that calls this a dataset of its own with production's tables, and removes it after it. */
export function liveDatasetForEachTest(more: object = {}): {readonly underTest: BigQueryUnderTest} {
  const folder = folderForEachTest()
  let underTest: BigQueryUnderTest
  before(function () {
    expectFailures(this.test?.parent as Suite, liveService().cannot)
  })
  beforeEach(async () => {
    const service = liveService()
    await service.renew()
    const dataset = await service.createDataset(more)
    underTest = underTestIn({...service.connection, dataset}, service, folder())
    await underTest.open().createTables(PRODUCTION)
  })
  afterEach('leaves no staging table and no lease behind', async function () {
    const left = (await underTest.tables()).filter((name) => name.startsWith('lorchestra_'))
    await liveService().removeDataset(underTest.dataset)
    if (!isExpectedToFail(this.currentTest) && this.currentTest?.state === 'passed') expect(left).to.deep.equal([])
  })
  return {
    get underTest() {
      return underTest
    },
  }
}
