import {expect} from 'chai'

import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const folder = folderForEachTest()
const yielding = (...ids: readonly string[]) =>
  scriptedSource(() => [], {
    async *extract() {
      yield await Promise.resolve({records: ids.map((id) => ({id}))})
    },
  })

describe('a rejected record', () => {
  it('that comes back good is stored and counted', async () => {
    await scriptedRun({source: yielding('good', 'bad\ud800'), folder: folder(), runId: 'first'})
    const {counts} = await scriptedRun({source: yielding('good', 'bad'), folder: folder(), request: {full: true}})
    expect(counts).to.include({extracted: 2, inserted: 1, unchanged: 1, rejected: 0})
  })
})
