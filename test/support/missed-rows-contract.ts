import {expect} from 'chai'

import {asError, codeOf} from '../../src/base/errors.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {seedJob} from '../../src/run/seed-job.ts'
import {dropTestTables} from '../../src/sink/beside-runs.ts'
import {apply, planOf} from './planned-run.ts'
import {promote as promoteIn} from './promoting.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, SCOPE} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {undo} from './undoing.ts'
import {DAY, type ByHandUnderTest} from './warehouse-contract.ts'

/** What every warehouse promises where somebody dropped the table of records, and left its log. */
export function describeMissedRows(warehouse: () => ByHandUnderTest): void {
  const source = scriptedSource(() => [{id: 'a', at: 1}])
  const run = async (now: number, mode: RunMode = 'production') => {
    const report = await warehouse().run({source, now, mode, ...(mode === 'dry-run' && {diffSamples: 1})})
    if (report.error !== undefined) throw asError(report.error)
    return report
  }
  const place = () => ({warehouse: warehouse().open(), production: PRODUCTION, maskSecrets: (text: string) => text})
  const drop = async (table: string): Promise<void> => {
    await warehouse().query(`DROP TABLE {${table}}`)
  }
  const refusal = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => {
        throw new Error('it was not refused')
      },
      (thrown: unknown) => thrown,
    )

  it('refuses whatever would go on where production’s log ends', async () => {
    const {runId} = await run(DAY)
    const {path} = await planOf(warehouse(), {source, now: 2 * DAY, request: {full: true}})
    await run(DAY, 'test-table')
    await drop('raw_objects')
    const logged = await warehouse().logged()
    const promote = async () => promoteIn(() => warehouse().open(), {scopes: [SCOPE]})
    const works = [
      async () => run(2 * DAY),
      async () => run(2 * DAY, 'dry-run'),
      promote,
      async () => undo(() => warehouse().open(), runId),
      async () => apply(warehouse(), path),
      async () => warehouse().open().createTables(PRODUCTION),
    ]
    for (const [index, work] of works.entries()) {
      const error = await refusal(work())
      expect([codeOf(error), String(error)].join(' '), `work ${index}`).to.match(
        /^E_TABLE_MISSING .*event_log tells of/,
      )
    }
    expect(await warehouse().tables()).not.to.include('raw_objects')
    expect(await warehouse().logged()).to.deep.equal(logged)
  })

  it('reads everything again where the log is gone as well', async () => {
    await run(DAY)
    await drop('raw_objects')
    await drop('event_log')
    await warehouse().open().createTables(PRODUCTION)
    expect((await run(2 * DAY)).counts).to.include({extracted: 1, inserted: 1})
  })

  it('refuses test runs, seeds and promotions beside a log of test runs, until the rest is dropped', async () => {
    await run(DAY)
    await run(DAY, 'test-table')
    await drop('test_raw_objects')
    const logged = await warehouse().logged('test_event_log')
    expect(String(await refusal(run(2 * DAY, 'test-table')))).to.include('test_event_log tells of')
    expect(await warehouse().logged('test_event_log')).to.deep.equal(logged)
    const seed = async () =>
      withRunMode('test-table', async () =>
        seedJob({...place(), scopes: [SCOPE], mode: 'test-table', estimated: () => {}}),
      )
    expect(codeOf(await refusal(seed()))).to.equal('E_SEED_REFUSED')
    await withRunMode('test-table', async () => dropTestTables(place(), 'test-table'))
    expect((await run(2 * DAY, 'test-table')).counts).to.include({extracted: 1, inserted: 1})
  })
}
