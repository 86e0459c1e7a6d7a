import {join} from 'node:path'

import {expect} from 'chai'

import {codeOf} from '../../src/base/errors.ts'
import {parseExactly} from '../../src/base/exact-json.ts'
import {replayJob, type JobToReplay, type Replay} from '../../src/run/replay-job.ts'
import {inProcessSource} from '../../src/sources/box/in-process-source.ts'
import type {Source} from '../../src/source.ts'
import {PRODUCTION} from './scripted-run.ts'
import {scriptedSource} from './scripted-source.ts'
import {DAY, type WarehouseUnderTest} from './warehouse-contract.ts'

const key = (id: string): string => `thing:scripted--acct1:${id}`

interface Scale {
  readonly rows: number
  /** Of so many rows a sample of 10 % has between a twentieth and a fifth; missing: its blocks are larger than any table here. */
  readonly sampledRows?: number
}

/** What keying stored rows anew promises on every warehouse. */
export function describeReplay(warehouse: () => WarehouseUnderTest, {rows, sampledRows}: Scale): void {
  const store = async (...records: readonly object[]): Promise<void> => {
    const source = scriptedSource(() => records.map((record, index) => ({id: `n${index}`, at: index, ...record})))
    expect((await warehouse().run({source, now: DAY})).error).to.equal(undefined)
  }
  const replay = async (idemKey: Source['idemKey'], more: Partial<JobToReplay> = {}): Promise<Replay> =>
    replayJob({
      job: 'job',
      source: inProcessSource(
        scriptedSource(() => [], {idemKey}),
        {
          http: {request: () => Promise.reject(new Error('no network in this test'))},
          resolvePath: (path) => path,
        },
      ),
      options: {},
      streams: [{sourceSystem: 'scripted--acct1', objectType: 'thing'}],
      warehouse: warehouse().open(),
      production: PRODUCTION,
      priced: () => {},
      folder: join(warehouse().folder, 'spool', 'replay'),
      signal: new AbortController().signal,
      ...more,
    })
  const bySame: Source['idemKey'] = ({id}) => key(String(id))

  it('finds that all keys are the same, of hard numbers too, and of rows of other streams nothing', async () => {
    const exact: Source['idemKey'] = ({id, n}) => {
      if (JSON.stringify(n) === '9007199254740993') return key(String(id))
      throw new Error('it lost a digit')
    }
    const source = scriptedSource(() => [], {
      streams: ['thing', 'other'].map((objectType) => ({objectType, windowed: false})),
      async *extract() {
        const n = parseExactly('9007199254740993')
        yield await Promise.resolve({objectType: 'thing', records: [{id: 'a', n, text: 'x\n\u2028y'}] as never})
        yield {objectType: 'other', records: [{id: 'b'}]}
      },
    })
    expect((await warehouse().run({source, now: DAY})).error).to.equal(undefined)
    const before = [await warehouse().stored(), await warehouse().logged()]
    expect(await replay(exact)).to.deep.equal({
      rows: 1,
      same: 1,
      other: {count: 0, examples: []},
      merged: {rows: 0, keys: 0, examples: []},
      failed: {count: 0, examples: []},
      reasons: [],
      samplePercent: undefined,
    })
    expect([await warehouse().stored(), await warehouse().logged()]).to.deep.equal(before)
  })

  it('tells other keys, rows that would become one, with one that stays, too, and payloads without a key', async () => {
    await store({}, {id: 'b', was: 'n0'}, {id: 'c', was: 'x'}, {id: 'd', was: 'x'}, {id: 'e', was: null})
    const found = await replay(({id, was}) => {
      if (was === null) throw new Error('it has no name')
      return key(String(was ?? id))
    })
    expect([found.rows, found.same]).to.deep.equal([5, 1])
    expect(found.other).to.deep.equal({
      count: 3,
      examples: [
        {stored: key('b'), now: key('n0')},
        {stored: key('c'), now: key('x')},
        {stored: key('d'), now: key('x')},
      ],
    })
    expect(found.merged).to.deep.equal({
      rows: 4,
      keys: 2,
      examples: [
        {now: key('n0'), stored: [key('b'), key('n0')]},
        {now: key('x'), stored: [key('c'), key('d')]},
      ],
    })
    expect(found.failed).to.deep.equal({count: 1, examples: [key('e')]})
    expect(found.reasons).to.deep.equal(['idemKey failed: it has no name'])
  })

  it('calls a key that no row may have none', async () => {
    await store({})
    const found = await replay(({id}) => String(id))
    expect([found.failed.count, found.reasons]).to.deep.equal([
      1,
      ['its idem_key does not begin with thing:scripted--acct1:'],
    ])
  })

  it('reads all rows of many, and names no more than three of a kind', async () => {
    await store(...Array.from({length: rows}, (_, index) => ({id: `m${index}`, text: 'x'.repeat(500)})))
    const found = await replay(({id}) => key(`${String(id)}!`))
    expect([found.rows, found.other.count, found.other.examples.length]).to.deep.equal([rows, rows, 3])
    expect(found.merged.rows).to.equal(0)
  })

  it('takes a sample where it is asked for one, and says so', async () => {
    await store(...Array.from({length: sampledRows ?? 20}, (_, index) => ({id: `m${index}`})))
    const found = await replay(bySame, {samplePercent: 10})
    expect(found.samplePercent).to.equal(10)
    expect(found.same).to.equal(found.rows)
    if (sampledRows !== undefined) expect(found.rows).to.be.within(sampledRows / 20, sampledRows / 5)
    expect((await replay(bySame, {samplePercent: 100})).rows).to.equal(sampledRows ?? 20)
  })

  it('is refused where nothing is stored, and ends where it is stopped', async () => {
    expect(await replay(bySame).catch(codeOf)).to.equal('E_RUN_UNKNOWN')
    await store({})
    const signal = AbortSignal.abort(new Error('stopped by hand'))
    expect(String(await replay(bySame, {warehouse: warehouse().open(signal), signal}).catch(String))).to.include(
      'stopped by hand',
    )
  })
}
