import {expect} from 'chai'

import {stopped} from '../../src/base/errors.ts'
import {failureSummary} from '../../src/report/run-summary.ts'
import type {Page} from '../../src/source.ts'
import {folderForEachTest} from '../support/folder.ts'
import {scriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000

const folder = folderForEachTest()

describe('the last line of a run that was stopped', () => {
  const lastLine = async (records: readonly {id: string; at: number}[]): Promise<string | undefined> => {
    const stop = new AbortController()
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d'},
      async *extract({window}): AsyncGenerator<Page> {
        const inWindow = records.filter(({at}) => at >= (window.since?.getTime() ?? 0) && at < window.until.getTime())
        if (inWindow.length > 0) yield await Promise.resolve({records: inWindow})
        if ((window.since?.getTime() ?? 0) >= DAY) stop.abort(stopped('SIGINT'))
      },
    })
    const report = await scriptedRun({
      source,
      folder: folder(),
      now: 3 * DAY,
      start: 0,
      signal: stop.signal,
      commitAfter: {records: 1, milliseconds: 0},
    })
    return failureSummary({
      description: {
        job: 'job',
        mode: 'production',
        warehouse: 'DuckDB',
        written: {eventLog: 'event_log', rawObjects: 'raw_objects'},
        source: 'scripted',
        account: null,
        notes: [],
      },
      runId: report.runId,
      startedAt: new Date(0),
      seconds: 1,
      report,
      preview: undefined,
      diff: undefined,
      storedUnknown: false,
      limited: false,
    }).at(-1)
  }

  it('says that nothing is stored where its commits hold no rows, and how many records are fetched again', async () => {
    const fetched = Array.from({length: 98}, (_, index) => ({id: `r${index}`, at: DAY + index}))
    expect(await lastLine(fetched)).to.equal(
      '  0 stored (1970-01-01T00:00:00.000Z to 1970-01-02T00:00:00.000Z), 98 fetched records will be read again; the same command goes on from there.',
    )
  })

  it('says how many rows are stored', async () => {
    expect(
      await lastLine([
        {id: 'a', at: 1},
        {id: 'b', at: DAY},
      ]),
    ).to.equal(
      '  1 stored (1970-01-01T00:00:00.000Z to 1970-01-02T00:00:00.000Z), 1 fetched record will be read again; the same command goes on from there.',
    )
  })
})
