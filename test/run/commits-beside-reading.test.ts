import {expect} from 'chai'
import sinon from 'sinon'

import {Spool} from '../../src/sink/spool.ts'
import type {Warehouse} from '../../src/warehouse/warehouse.ts'
import {committing} from '../support/committing.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const DAYS = 4

const folder = folderForEachTest()

function promise(): {readonly resolve: () => void; readonly resolved: Promise<void>} {
  const {promise: resolved, resolve} = Promise.withResolvers<void>()
  return {resolve, resolved}
}

/** One record a day, each day a slice and a commit; tells when it begins to read a day. */
function daily(onDay: (day: number, signal: AbortSignal) => void | Promise<void>) {
  return scriptedSource(() => [], {
    defaults: {slice: '1d'},
    async *extract({window, signal}) {
      const day = (window.since?.getTime() ?? 0) / DAY
      await onDay(day, signal)
      yield {records: [{id: `day ${day}`}]}
    },
  })
}

const run = async (source: ReturnType<typeof daily>, warehouse: (real: Warehouse) => Warehouse) =>
  scriptedRun({
    source,
    folder: folder(),
    warehouse,
    start: 0,
    now: DAYS * DAY,
    commitAfter: {records: 1, milliseconds: 300_000},
  })

describe('a commit', () => {
  it('goes on while the next slice is read, and holds nothing of it', async () => {
    const secondDay = promise()
    const whileCommitting: number[] = []
    const source = daily((day) => {
      if (day === 1) secondDay.resolve()
    })
    const report = await run(
      source,
      committing(async (number, work) => {
        // The first commit does not end before the next slice is being read.
        if (number === 1) await secondDay.resolved
        const result = await work()
        whileCommitting.push(result.counts.get('thing')?.inserted ?? 0)
        return result
      }),
    )
    expect(report.error).to.equal(undefined)
    expect(whileCommitting).to.deep.equal([1, 1, 1, 1])
    expect(report).to.deep.include({commits: DAYS, windows: [{since: 0, until: DAYS * DAY}]})
    expect(report.counts).to.include({extracted: DAYS, inserted: DAYS})
    const completed = await query(
      databaseIn(folder()),
      "SELECT * FROM event_log WHERE event_type = 'ingestion.completed'",
    )
    expect(completed).to.have.length(DAYS)
  })

  it('that fails ends the reading at once, and none comes after it', async () => {
    const secondDay = promise()
    let stopped: unknown
    const source = daily(async (day, signal) => {
      if (day !== 1) return
      secondDay.resolve()
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve()))
      stopped = signal.reason
    })
    const commits: number[] = []
    const broken = new Error('the disk is full')
    const report = await run(
      source,
      committing(async (number, work) => {
        commits.push(number)
        if (number > 1) return work()
        await secondDay.resolved
        throw broken
      }),
    )
    expect(report.error).to.equal(broken)
    expect(stopped).to.equal(broken)
    expect(report).to.deep.include({commits: 0, windows: []})
    expect(await query(databaseIn(folder()), 'SELECT * FROM raw_objects')).to.deep.equal([])
    // What the second one wrote is that the job failed.
    expect(commits).to.deep.equal([1, 2])
  })

  it('is waited for where the slice after it fails, and counts', async () => {
    const secondDay = promise()
    const source = daily((day) => {
      if (day !== 1) return
      secondDay.resolve()
      throw new Error('the ink is dry')
    })
    const report = await run(
      source,
      committing(async (number, work) => {
        if (number === 1) await secondDay.resolved
        return work()
      }),
    )
    expect(report.error).to.be.an('error').with.property('message').that.includes('the ink is dry')
    expect(report).to.deep.include({commits: 1, windows: [{since: 0, until: DAY}]})
    expect(report.counts).to.include({inserted: 1})
  })

  it('is over before a failure is written, also where the temporary files fail meanwhile', async () => {
    const secondDay = promise()
    const source = daily((day) => {
      if (day !== 1) return
      secondDay.resolve()
      throw new Error('the ink is dry')
    })
    const order: string[] = []
    const broken = sinon.stub(Spool.prototype, 'dropUnfinishedSlice').rejects(new Error('the disk is gone'))
    try {
      await run(
        source,
        committing(async (number, work) => {
          order.push(`${number} begins`)
          if (number === 1) await secondDay.resolved
          const result = await work()
          order.push(`${number} ends`)
          return result
        }),
      )
    } finally {
      broken.restore()
    }
    expect(order).to.deep.equal(['1 begins', '1 ends', '2 begins', '2 ends'])
  })
})
