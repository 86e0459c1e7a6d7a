import {expect} from 'chai'

import {DuckDBWarehouse, type LockTimeoutsOfRuns} from '../../../src/warehouse/duckdb/warehouse.ts'
import {change, query} from '../../support/database.ts'
import {duckDBUnderTest} from '../../support/duckdb-under-test.ts'
import {folderForEachTest} from '../../support/folder.ts'
import {describeRevocation} from '../../support/revocation-contract.ts'
import {databaseIn, LOCK_TIMEOUT} from '../../support/scripted-run.ts'
import {describeUndo} from '../../support/undo-contract.ts'
import {undo as undoIn} from '../../support/undoing.ts'
import {DAY, yielding} from '../../support/warehouse-contract.ts'

describe('undo with DuckDB', () => {
  const folder = folderForEachTest()
  describeRevocation(() => duckDBUnderTest(folder()))
  describeUndo(() => duckDBUnderTest(folder()), {sequences: 4, runsInEach: 5})

  const warehouse = (options?: LockTimeoutsOfRuns): DuckDBWarehouse =>
    new DuckDBWarehouse(
      {path: databaseIn(folder()), temporaryFolder: folder(), lockTimeout: LOCK_TIMEOUT},
      new AbortController().signal,
      options,
    )
  const read = async (n: number, now: number, options?: LockTimeoutsOfRuns): Promise<string> => {
    const {error, runId} = await duckDBUnderTest(folder()).run({
      source: yielding({id: 'a', n}),
      now,
      request: {full: true},
      ...(options !== undefined && {warehouse: () => warehouse(options)}),
    })
    expect(error).to.equal(undefined)
    return runId
  }
  const undo = async (runId: string): Promise<string> =>
    undoIn(() => warehouse(), runId).then(
      () => 'undone',
      (error: unknown) => String(error),
    )
  const kept = async () => query(databaseIn(folder()), 'SELECT payload FROM lorchestra_undo ORDER BY kept_at')
  const stored = async (): Promise<unknown> => (await duckDBUnderTest(folder()).stored())[0]?.payload

  it('keeps former payloads in the same file until they are as old as `undo` says, and drops them with the undo', async () => {
    await read(1, DAY)
    await read(2, 2 * DAY)
    await change(databaseIn(folder()), "UPDATE lorchestra_undo SET kept_at = now() - INTERVAL '6 days 23 hours'")
    const last = await read(3, 3 * DAY)
    expect((await kept()).map(({payload}) => payload)).to.deep.equal(['{"id":"a","n":1}', '{"id":"a","n":2}'])
    expect(await undo(last)).to.equal('undone')
    expect(await kept()).to.have.length(1)
    await change(databaseIn(folder()), "UPDATE lorchestra_undo SET kept_at = now() - INTERVAL '7 days'")
    await read(4, 4 * DAY)
    expect((await kept()).map(({payload}) => payload)).to.deep.equal(['{"id":"a","n":2}'])
  })

  it('refuses what is not kept any more, what was never kept, and what was too much to be kept', async () => {
    await read(1, DAY)
    const old = await read(2, 2 * DAY)
    await change(databaseIn(folder()), 'DELETE FROM lorchestra_undo')
    expect(await undo(old)).to.include('the former payloads are not kept, or not any more')
    const off = await read(3, 3 * DAY, {undo: 0})
    expect(await kept()).to.deep.equal([])
    expect(await undo(off)).to.include('not kept')
    const large = await read(4, 4 * DAY, {undoBytes: 10})
    expect(await undo(large)).to.include('changed more than is kept at once')
    expect(await stored()).to.deep.equal({id: 'a', n: 4})
  })

  it('refuses a row that somebody wrote to since', async () => {
    await read(1, DAY)
    const runId = await read(2, 2 * DAY)
    await change(databaseIn(folder()), `UPDATE raw_objects SET last_seen = now(), payload = '{"id": "by hand"}'`)
    expect(await undo(runId)).to.include('1 rows that these runs changed are gone, or were written to since')
    expect(await stored()).to.deep.equal({id: 'by hand'})
  })

  it('keeps nothing of test tables, and nothing where nothing changed', async () => {
    const underTest = duckDBUnderTest(folder())
    for (const n of [1, 2]) {
      await underTest.run({source: yielding({id: 'a', n}), now: n * DAY, mode: 'test-table', request: {full: true}})
    }
    await read(1, DAY)
    await read(1, 2 * DAY)
    expect(await underTest.tables()).to.not.include('lorchestra_undo')
  })

  it('gives back columns that somebody else has added to the table as they are', async () => {
    await read(1, DAY)
    await change(databaseIn(folder()), `ALTER TABLE raw_objects ADD COLUMN note VARCHAR DEFAULT 'mine'`)
    expect(await undo(await read(2, 2 * DAY))).to.equal('undone')
    expect(await query(databaseIn(folder()), 'SELECT payload, note FROM raw_objects')).to.deep.equal([
      {payload: '{"id":"a","n":1}', note: 'mine'},
    ])
  })

  it('leaves a table of that name alone that is somebody else’s, and refuses to change rows beside it', async () => {
    await read(1, DAY)
    await change(databaseIn(folder()), 'CREATE TABLE lorchestra_undo AS SELECT 42 AS answer')
    await read(1, 2 * DAY)
    const {error} = await duckDBUnderTest(folder()).run({
      source: yielding({id: 'a', n: 2}),
      now: 3 * DAY,
      request: {full: true},
    })
    expect(String(error)).to.include('the table lorchestra_undo is not lorchestra')
    expect(await stored()).to.deep.equal({id: 'a', n: 1})
    await read(2, 4 * DAY, {undo: 0})
    expect(await query(databaseIn(folder()), 'FROM lorchestra_undo')).to.deep.equal([{answer: 42}])
  })
})
