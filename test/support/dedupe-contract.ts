import {expect} from 'chai'

import {codeOf, outcomeOf} from '../../src/base/errors.ts'
import type {RunMode} from '../../src/model/run-mode.ts'
import {dedupeTables, type DedupeReport} from '../../src/run/dedupe-tables.ts'
import {withRunMode} from './run-mode.ts'
import {PRODUCTION} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {DAY, yielding, type WarehouseUnderTest} from './warehouse-contract.ts'

/** A row as somebody would write it by hand. */
export interface RowByHand {
  readonly key: string
  readonly sourceSystem: string
  readonly n: number
  readonly firstSeen: number
  readonly lastSeen: number
}

type Put = (table: string, rows: readonly RowByHand[]) => Promise<void>

const key = (id: string): string => `thing:scripted--acct1:${id}`
const row = (id: string, n: number, firstSeen: number, lastSeen: number, more: Partial<RowByHand> = {}): RowByHand => ({
  key: key(id),
  sourceSystem: 'scripted--acct1',
  n,
  firstSeen,
  lastSeen,
  ...more,
})

/** What removing surplus rows promises on every warehouse. `put` writes rows into a table that does not keep keys apart. */
export function describeDedupe(warehouse: () => WarehouseUnderTest, put: Put): void {
  const dedupe = async (mode: RunMode = 'production'): Promise<DedupeReport> =>
    withRunMode(mode, async () =>
      dedupeTables({
        warehouse: warehouse().open(),
        production: PRODUCTION,
        mode,
        maskSecrets: (text) => text,
        priced: () => {},
        found: () => {},
      }),
    )
  const look = async (table?: string) =>
    (await warehouse().stored(table)).map(({key: one, payload, firstSeen, lastSeen}) => [
      one,
      (payload as {n: number}).n,
      firstSeen / DAY,
      lastSeen / DAY,
    ])
  const told = ({streams}: DedupeReport) => streams.map(({stream, keys, rows}) => [stream.sourceSystem, keys, rows])
  const TWICE = [
    row('equal', 1, DAY, DAY),
    row('equal', 1, DAY, DAY),
    row('equal', 1, DAY, DAY),
    row('first', 1, DAY, 3 * DAY),
    row('first', 2, 2 * DAY, 3 * DAY),
    row('last', 1, DAY, 2 * DAY),
    row('last', 2, DAY, DAY),
    row('once', 1, DAY, DAY),
  ]
  const LEFT = [
    [key('equal'), 1, 1, 1],
    [key('first'), 2, 2, 3],
    [key('last'), 1, 1, 2],
    [key('once'), 1, 1, 1],
  ]

  it('leaves of each key the row that was seen last, then the one that was seen first last, and logs it', async () => {
    await put('raw_objects', TWICE)
    const report = await dedupe()
    expect(told(report)).to.deep.equal([['scripted--acct1', 3, 4]])
    expect(await look()).to.deep.equal(LEFT)
    const [completed, started] = (await warehouse().logged()).filter(({runId}) => runId === report.runId)
    expect([completed?.type, started?.type]).to.deep.equal(['job.completed', 'job.started'])
    expect(completed?.payload?.['dedupe']).to.deep.equal({
      streams: [{source_system: 'scripted--acct1', object_type: 'thing', keys: 3, removed: 4}],
    })
  })

  it('lets runs go on that refused, and covers nothing itself', async () => {
    await put('raw_objects', TWICE)
    const source = yielding({id: 'equal', n: 1}, {id: 'last', n: 3})
    const before = await warehouse().run({source, now: 4 * DAY})
    expect(codeOf(before.error)).to.equal('E_DUPLICATE_ROWS')
    await dedupe()
    expect((await warehouse().open().describe(PRODUCTION)).streams).to.deep.equal([])
    const {counts, error} = await warehouse().run({source, now: 4 * DAY})
    expect(error).to.equal(undefined)
    expect(counts).to.include({inserted: 0, updated: 2})
  })

  it('finds the same rows in a dry run, and changes and logs nothing', async () => {
    await put('raw_objects', TWICE)
    const before = [await look(), await warehouse().logged()]
    const {runId, ...report} = await dedupe('dry-run')
    expect([runId, told(report as DedupeReport)]).to.deep.equal([undefined, [['scripted--acct1', 3, 4]]])
    expect([await look(), await warehouse().logged()]).to.deep.equal(before)
  })

  it('does nothing, and logs nothing, where no key has several rows', async () => {
    await put('raw_objects', [row('a', 1, DAY, DAY), row('b', 1, DAY, DAY)])
    const before = await warehouse().logged()
    const {streams, runId} = await dedupe()
    expect([streams, runId]).to.deep.equal([[], undefined])
    expect(await warehouse().logged()).to.deep.equal(before)
  })

  it('leaves one row of a key that two streams hold', async () => {
    const other = {sourceSystem: 'another'}
    await put('raw_objects', [row('a', 1, DAY, DAY), row('a', 2, DAY, 2 * DAY, other), row('b', 1, DAY, DAY)])
    expect(told(await dedupe())).to.deep.equal([
      ['another', 0, 0],
      ['scripted--acct1', 1, 1],
    ])
    expect(await look()).to.deep.equal([
      [key('a'), 2, 1, 2],
      [key('b'), 1, 1, 1],
    ])
  })

  it('removes rows of the test tables alone, where it is told to', async () => {
    await put('raw_objects', TWICE)
    await put('test_raw_objects', TWICE)
    const before = [await look(), await warehouse().logged()]
    expect(told(await dedupe('test-table'))).to.deep.equal([['scripted--acct1', 3, 4]])
    expect(await look('test_raw_objects')).to.deep.equal(LEFT)
    expect([await look(), await warehouse().logged()]).to.deep.equal(before)
  })

  it('is refused while a run reads one of the streams', async () => {
    await put('raw_objects', TWICE)
    let refused: unknown
    const source = scriptedSource(() => [], {
      async *extract() {
        refused = await dedupe().catch((error: unknown) => error)
        yield {records: [{id: 'new'}]}
      },
    })
    const {error} = await warehouse().run({source, now: 4 * DAY})
    expect(error).to.equal(undefined)
    expect([outcomeOf(refused), codeOf(refused)]).to.deep.equal(['busy', 'E_STREAM_BUSY'])
    expect(await look()).to.have.length(TWICE.length + 1)
  })
}
