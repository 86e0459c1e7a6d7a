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

describe('many rejected records', () => {
  it('of one reason do not flood the log: the first are named, then they are counted, over all slices', async () => {
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d'},
      async *extract({reject, window}) {
        for (let number = 0; number < 25; number += 1) reject(`${window.until.getTime()}/${number}`, 'too large')
        reject(`${window.until.getTime()}/other`, 'has no date')
        yield await Promise.resolve({records: []})
      },
    })
    const said: string[] = []
    const silent = (): void => undefined
    const log = {debug: silent, info: silent, error: silent, warn: (text: string) => void said.push(text)}
    const DAY = 86_400_000
    const {counts} = await scriptedRun({source, folder: folder(), start: 0, now: 2 * DAY, log})
    expect(counts.rejected).to.equal(52)
    expect(said.filter((text) => text.includes('has no date'))).to.have.length(2)
    const large = said.filter((text) => text.includes('too large'))
    expect(large).to.have.length(4)
    expect(large.at(-1)).to.equal('rejected 47 more: too large')
  })
})

describe('many records that are rejected for their size', () => {
  it('do not flood the log either, although each has a size of its own', async () => {
    const source = scriptedSource(() => [], {
      async *extract({reject}) {
        for (let number = 0; number < 50; number += 1) reject(`message ${number}`, `it takes ${1000 + number} bytes`)
        yield await Promise.resolve({records: []})
      },
    })
    const said: string[] = []
    const silent = (): void => undefined
    const log = {debug: silent, info: silent, error: silent, warn: (text: string) => void said.push(text)}
    await scriptedRun({source, folder: folder(), log})
    expect(said).to.deep.equal([
      'rejected message 0: it takes 1000 bytes',
      'rejected message 1: it takes 1001 bytes',
      'rejected message 2: it takes 1002 bytes',
      'rejected 47 more: it takes … bytes',
    ])
  })
})

describe('a rejected record', () => {
  it('that comes back good is stored and counted', async () => {
    await scriptedRun({source: yielding('good', 'bad\ud800'), folder: folder(), runId: 'first'})
    const {counts} = await scriptedRun({source: yielding('good', 'bad'), folder: folder(), request: {full: true}})
    expect(counts).to.include({extracted: 2, inserted: 1, unchanged: 1, rejected: 0})
  })
})
