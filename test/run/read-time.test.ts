import {expect} from 'chai'

import type {TimeWindow} from '../../src/model/window.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000

describe('what an observer hears of the time that is read', () => {
  const folder = folderForEachTest()
  const source = scriptedSource(() => [0, 1, 3].map((day) => ({id: `of ${day}`, at: day * DAY})), {
    defaults: {slice: '1d'},
  })
  async function heardIn(request: ScriptedRun['request']): Promise<readonly TimeWindow[]> {
    const heard: TimeWindow[] = []
    await scriptedRun({
      source,
      folder: folder(),
      sliceIsMaximum: true,
      ...(request !== undefined && {request}),
      observe: ({read}) => {
        if (read !== undefined) heard.push(read)
      },
    })
    return heard
  }

  it('is each slice, as soon as it is read', async () => {
    const days = [0, 1, 2, 3].map((day) => ({since: day * DAY, until: (day + 1) * DAY}))
    expect(await heardIn({since: 0, until: 4 * DAY})).to.deep.equal(days)
  })

  it('is none where a limit may end the run before the time does', async () => {
    expect(await heardIn({since: 0, until: 4 * DAY, limit: 2})).to.deep.equal([])
  })
})
