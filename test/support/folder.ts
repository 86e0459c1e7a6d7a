import {mkdtemp, rm} from 'node:fs/promises'
import {tmpdir} from 'node:os'
import {join} from 'node:path'

/** A folder for each test of the suite that calls this; gone after the test. */
export function folderForEachTest(): () => string {
  let folder = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lorchestra-test-'))
  })
  afterEach(async () => {
    await rm(folder, {recursive: true, force: true})
  })
  return () => folder
}
