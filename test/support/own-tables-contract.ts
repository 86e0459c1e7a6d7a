import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import {createEvent} from '../../src/model/events.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import type {TableSet} from '../../src/model/tables.ts'
import {dropTested} from '../../src/run/drop-test-tables.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION, TEST, SCOPE} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

const ABOUT = {job: 'job', account: 'acct1', streams: [], process: {host: 'x', pid: 1, token: ''}}

/** What every warehouse promises where one's test tables are another's production, or became it. */
export function describeOwnTables(warehouse: () => WarehouseUnderTest): void {
  /** Has the log tell of a run in this mode: of another configuration, or of before the tables were renamed. */
  const haveLogged = async (mode: string, tables: TableSet): Promise<void> => {
    const event = (type: 'job.started' | 'job.completed', runId: string, payload: object = ABOUT) =>
      createEvent({type, runId, at: new Date(DAY), payload: {...payload}})
    const writer = await warehouse()
      .open()
      .begin({
        tables,
        ...(tables === TEST && {definitionFrom: PRODUCTION}),
        runId: 'own',
        scopes: [SCOPE],
        started: () => event('job.started', 'own'),
      })
    await writer.commit({runStartedAt: new Date(DAY), records: [], loneRecords: [], events: [], rows: 0}, () => [
      event('job.started', 'other', {...ABOUT, mode}),
      event('job.completed', 'other'),
      event('job.completed', 'own'),
    ])
    await writer.close()
  }
  const errorOf = async (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => undefined,
      (error: unknown) => error,
    )
  const everything = async () => ({
    tables: await warehouse().tables(),
    production: [await warehouse().logged(), await warehouse().stored()],
    test: [await warehouse().logged(TEST.eventLog), await warehouse().stored(TEST.rawObjects)],
  })
  const refusalOf = async (mode: RunMode): Promise<string> => {
    const source = scriptedSource(() => [{id: 'a', at: 1}])
    const before = await everything()
    const error = await errorOf(
      warehouse()
        .run({source, mode, now: 2 * DAY})
        .then((result) => {
          throw result.error
        }),
    )
    expect([codeOf(error), outcomeOf(error)]).to.deep.equal(['E_TABLES_TAKEN', 'usage'])
    expect(source.calls).to.deep.equal([])
    expect(await everything()).to.deep.equal(before)
    return String(error)
  }

  it('does not go on in production where test runs ended, and writes nothing', async () => {
    await haveLogged('test-table', PRODUCTION)
    expect(await refusalOf('production')).to.include('runs with --test-table have written to event_log')
    await refusalOf('dry-run')
  })

  it('writes no test run to the production of another configuration, and does not drop it', async () => {
    await haveLogged('production', TEST)
    expect(await refusalOf('test-table')).to.include('runs of production have written to test_event_log')
    const before = await everything()
    const dropping = withRunMode('test-table', async () =>
      dropTested({warehouse: warehouse().open(), production: PRODUCTION}, 'test-table'),
    )
    expect(codeOf(await errorOf(dropping))).to.equal('E_TABLES_TAKEN')
    expect(await everything()).to.deep.equal(before)
  })

  it('goes on in a log of runs whose mode it does not know, and of its own', async () => {
    const source = scriptedSource(() => [{id: 'a', at: 1}])
    for (const [mode, tables] of [
      ['production', PRODUCTION],
      ['test-table', TEST],
    ] as const) {
      await haveLogged('of a later version', tables)
      await warehouse().run({source, mode, now: 2 * DAY})
      const {error, counts} = await warehouse().run({source, mode, now: 3 * DAY, request: {full: true}})
      expect([error, counts.unchanged]).to.deep.equal([undefined, 1])
    }
  })
}
