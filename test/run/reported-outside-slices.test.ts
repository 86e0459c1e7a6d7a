import {expect} from 'chai'

import type {Source, SourceContext} from '../../src/source.ts'
import {query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {databaseIn, scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()
type Context = SourceContext<unknown>

const QUESTIONS: Readonly<Record<string, (report: (context: Context) => void) => Partial<Source>>> = {
  'whose data it is': (report) => ({
    async check(context) {
      report(context)
      return Promise.resolve({identity: 'ada@example.com'})
    },
  }),
  'where the change feed stands': (report) => ({
    async currentBookmark(context) {
      report(context)
      return Promise.resolve('here')
    },
  }),
  'how much there is': (report) => ({
    async estimate(context) {
      report(context)
      return Promise.resolve({records: 1, units: 1})
    },
  }),
  'for its keys': (report) => ({
    async *listKeys(context) {
      report(context)
      yield await Promise.resolve([])
    },
  }),
}

/** No event would tell of such a record, and the run would look well. */
describe('a source that reports records where it is asked for something else', () => {
  const run = (script: Partial<Source>): ReturnType<typeof scriptedRun> => {
    const sweeps = script.listKeys !== undefined && {sweep: 7 * DAY}
    return scriptedRun({
      source: {...scriptedSource(() => []), ...script},
      folder: folder(),
      now: DAY * 40,
      start: 0,
      ...sweeps,
    })
  }

  for (const [question, script] of Object.entries(QUESTIONS)) {
    it(`fails its run where it rejects one, though it goes on as if nothing was: asked ${question}`, async () => {
      const reject = script((context) => {
        try {
          context.reject('record 1', 'it cannot be read')
        } catch {
          // As a source does that tries each record.
        }
      })
      const {error} = await run(reject)
      expect(error).to.have.property('code', 'E_SOURCE_BUG')
      expect(error)
        .to.have.property('message')
        .that.contains('the source rejected a record when it was not asked for records')
      expect(
        await query(databaseIn(folder()), `SELECT 1 FROM event_log WHERE event_type = 'job.completed'`),
      ).to.deep.equal([])
    })
  }

  it('fails its run where it counts some, and not where it only says until when it waits', async () => {
    const check = QUESTIONS['whose data it is']
    const counts = await run(check?.((context) => context.progress({listed: 5})) ?? {})
    expect(counts.error).to.have.property('message').that.contains('the source counted records')
    const waits = await run(check?.((context) => context.progress({waitingUntil: new Date(DAY)})) ?? {})
    expect(waits.error).to.equal(undefined)
  })
})
