import {expect} from 'chai'
import sinon from 'sinon'

import {HeldWarehouse} from '../../src/run/held-warehouse.ts'
import {CommitLedger} from '../../src/run/commit-ledger.ts'
import {StreamCounts} from '../../src/model/counts.ts'
import {createEvent} from '../../src/model/events.ts'
import type {Sink} from '../../src/sink/sink.ts'

const MINUTE = 60_000

describe('commits', () => {
  afterEach(() => sinon.restore())

  it('come sooner at the beginning, so that runs which are killed after minutes get on', async () => {
    let minutes = 0
    sinon.stub(performance, 'now').callsFake(() => minutes * MINUTE)
    const at: number[] = []
    const told: string[] = []
    const sink: Pick<Sink, 'endSlice' | 'commit' | 'bytesBilled' | 'tables'> = {
      bytesBilled: undefined,
      tables: {read: undefined, written: undefined},
      endSlice: () => Promise.resolve(),
      commit: (events) => {
        expect(events(new Map())).to.have.length(1)
        at.push(minutes)
        return Promise.resolve(undefined)
      },
    }
    const ledger = new CommitLedger({
      sink: sink as Sink,
      job: 'things',
      log: {info: (message) => told.push(message)},
      objectTypes: ['thing'],
      commitAfter: {records: 1000, milliseconds: 5 * MINUTE},
      limited: false,
      maxRejects: 0,
      held: new HeldWarehouse(),
      maskSecrets: (text) => text,
      about: () => ({}),
      event: (details) => createEvent({...details, runId: 'run', at: new Date(0)}),
    })
    const group = {windowed: true, selection: 'all', streams: [{sourceSystem: 'scripted', objectType: 'thing'}]}
    ledger.startGroup({group, windows: [], sliceLength: 1, keepsBookmark: 'never'})
    while (minutes < 20) {
      minutes += 1
      await ledger.endSlice({since: minutes - 1, until: minutes}, new StreamCounts(['thing']), undefined)
      if (ledger.isDue()) await ledger.commit(false)
    }
    expect(at).to.deep.equal([1, 3, 7, 12, 17])
    expect(told[0]).to.equal('things: commit 1 would be in: nothing is written')
  })
})
