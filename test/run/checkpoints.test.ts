import {readFile} from 'node:fs/promises'

import {expect} from 'chai'

import {createMask} from '../../src/base/mask.ts'
import {messageWithCauses} from '../../src/base/errors.ts'
import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import type {Page, Source, SourceContext} from '../../src/source.ts'
import {committing} from '../support/committing.ts'
import {events, query} from '../support/database.ts'
import {folderForEachTest} from '../support/folder.ts'
import {Ledger, ledgerSource} from '../support/ledger-source.ts'
import {databaseIn, scriptedRun, type ScriptedRun} from '../support/scripted-run.ts'
import {scriptedSource} from '../support/scripted-source.ts'

const DAY = 86_400_000
const folder = folderForEachTest()
let clock = 0

const run = async (source: Source, more: Partial<ScriptedRun> = {}) => {
  clock += DAY
  const commitAfter = {records: 20, milliseconds: 1e9}
  return scriptedRun({source, folder: folder(), now: clock, commitAfter, ...more})
}
const stored = async (): Promise<readonly unknown[]> =>
  (await query(databaseIn(folder()), 'SELECT external_id::INTEGER AS id FROM raw_objects ORDER BY 1')).map(({id}) => id)
const completed = async () => {
  const found = await events(databaseIn(folder()), 'ingestion.completed')
  return found.map(({payload}) => payload as unknown as Payload)
}
interface Payload {
  readonly counts: {readonly listed: number; readonly extracted: number; readonly rejected: number}
  readonly limited: boolean
  readonly partial?: 'checkpoint' | 'sweep'
  readonly checkpoint?: {readonly value: unknown}
  readonly bookmark?: {readonly value: unknown}
}
const numbers = (count: number): readonly number[] => Array.from({length: count}, (_, index) => index)

beforeEach(() => (clock = 0))

describe('a source without windows that always breaks after 30 records', () => {
  let ledger: Ledger
  let source: ReturnType<typeof ledgerSource>

  beforeEach(() => {
    ledger = new Ledger(100)
    source = ledgerSource(ledger)
    ledger.breaksAfter = 30
  })

  it('gets on by its checkpoints, and stores every record once', async () => {
    const inStore: number[] = []
    const reports = []
    for (let runs = 0; runs < 4; runs += 1) {
      reports.push(await run(source))
      inStore.push((await stored()).length)
    }
    expect(inStore).to.deep.equal([30, 60, 90, 100])
    expect(await stored()).to.deep.equal(numbers(100))
    expect(reports.map(({error}) => error === undefined)).to.deep.equal([false, false, false, true])
    expect(reports.map(({counts}) => [counts.extracted, counts.inserted])).to.deep.equal([
      [30, 30],
      [30, 30],
      [30, 30],
      [10, 10],
    ])
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 30, 60, 90])
  })

  it('covers nothing before it has come to its end, and is read whole after that', async () => {
    ledger.breaksAfter = 70
    const broken = await run(source)
    expect(broken).to.deep.include({windows: [], commits: 4})
    expect((await completed()).every(({limited, partial}) => limited && partial === 'checkpoint')).to.equal(true)
    const ended = await run(source)
    expect(ended.windows).to.deep.equal([{since: -Infinity, until: 2 * DAY}])
    ledger.breaksAfter = Infinity
    const {counts} = await run(source)
    expect(counts).to.include({extracted: 100, unchanged: 100})
    expect(source.calls.at(-1)?.bookmark).to.equal(undefined)
  })

  it('keeps what came before its last checkpoint also where no commit was due', async () => {
    const {commits} = await run(source, {commitAfter: {records: 1000, milliseconds: 1e9}})
    expect(commits).to.equal(1)
    expect(await stored()).to.deep.equal(numbers(30))
  })

  it('keeps nothing of what came after its last checkpoint', async () => {
    ledger.breaksAfter = 34
    await run(source)
    expect(await stored()).to.deep.equal(numbers(30))
    ledger.breaksAfter = Infinity
    const {counts} = await run(source)
    expect(counts).to.include({extracted: 70, inserted: 70})
  })

  it('writes nothing in a dry run, which goes on from there like the run to come', async () => {
    await run(source)
    const before = await readFile(databaseIn(folder()))
    const dry = await run(source, {mode: 'dry-run'})
    expect(dry.error).to.be.an('error')
    expect(source.calls.at(-1)?.bookmark).to.equal(30)
    expect((await readFile(databaseIn(folder()))).equals(before)).to.equal(true)
    await run(source)
    expect(await stored()).to.deep.equal(numbers(60))
  })

  it('has a test run that has checkpoints of its own', async () => {
    await run(source)
    await run(source, {mode: 'test-table'})
    await run(source, {mode: 'test-table'})
    await run(source)
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, undefined, 30, 30])
  })

  it('begins anew with --full, whose own checkpoints count from then on', async () => {
    await run(source)
    await run(source)
    await run(source, {request: {full: true}})
    await run(source)
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 30, undefined, 30])
    ledger.breaksAfter = Infinity
    await run(source, {request: {full: true}})
    await run(source)
    expect(source.calls.slice(-2).map(({bookmark}) => bookmark)).to.deep.equal([undefined, undefined])
  })

  it('has a limited run that begins at the beginning and moves no checkpoint', async () => {
    await run(source)
    const limited = await run(source, {request: {limit: 5}})
    expect(limited.counts.extracted).to.equal(5)
    await run(source)
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, undefined, 30])
  })

  it('begins anew with another selection, or another job', async () => {
    await run(source)
    await run(source, {selection: 'another'})
    await run(source, {job: 'another'})
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, undefined, undefined])
  })

  it('begins anew, with a word, where it cannot go on from its checkpoint any more', async () => {
    await run(source)
    ledger.forgetsPlaces = true
    ledger.breaksAfter = Infinity
    const report = await run(source)
    expect(report.error).to.equal(undefined)
    expect(report.droppedBookmark).to.include('the place is forgotten')
    expect(report.counts).to.include({extracted: 100, inserted: 70, unchanged: 30})
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 30, undefined])
  })

  it('begins anew where it says beforehand that it cannot go on', async () => {
    await run(source)
    ledger.breaksAfter = Infinity
    const asked: unknown[] = []
    const canResume: Source['canResume'] = ({bookmark}) => {
      asked.push(bookmark)
      return Promise.resolve(false)
    }
    await run({...source, canResume})
    expect(asked).to.deep.equal([30])
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, undefined])
  })

  it('is read on while a commit is under way', async () => {
    const ahead = Promise.withResolvers<void>()
    ledger.breaksAfter = Infinity
    ledger.onPage = (first) => {
      if (first === 30) ahead.resolve()
    }
    const {error} = await run(source, {
      warehouse: committing(async (number, work) => {
        // The first commit, of 20 records, does not end before the page after the next one is asked for.
        if (number === 1) await ahead.promise
        return work()
      }),
    })
    expect(error).to.equal(undefined)
    expect(await stored()).to.deep.equal(numbers(100))
  })
})

describe('what a source reports before a checkpoint', () => {
  /** Announces its records page by page, as it will yield them; `wrong` announces one more on its fourth page. */
  const announcing = (wrong: boolean) =>
    scriptedSource(() => [], {
      streams: [{objectType: 'thing', windowed: false}],
      async *extract({progress, reject}) {
        for (let first = 0; first < 50; first += 10) {
          progress({listed: wrong && first === 30 ? 11 : 10})
          reject(`record ${first}`, 'it is the first one of its page')
          const records = numbers(9).map((index) => ({id: String(first + 1 + index)}))
          yield await Promise.resolve({records, bookmark: first + 10, checkpoint: true as const})
        }
      },
    })

  it('is counted with the part that it belongs to', async () => {
    const {counts} = await run(announcing(false), {commitAfter: {records: 9, milliseconds: 1e9}})
    expect(counts).to.include({listed: 50, extracted: 45, rejected: 5})
    expect((await completed()).map((payload) => [payload.counts.listed, payload.counts.rejected])).to.deep.equal([
      [10, 1],
      [10, 1],
      [10, 1],
      [10, 1],
      [10, 1],
      [0, 0],
    ])
    expect(await events(databaseIn(folder()), 'record.rejected')).to.have.length(5)
  })

  it('must add up to what it listed until there, or that part is not stored', async () => {
    const {error} = await run(announcing(true))
    expect(messageWithCauses(error)).to.include('listed 11 records of thing but accounted for 10')
    expect(await stored()).to.have.length(27)
  })

  it('counts with the rejects of the parts before it', async () => {
    const {error} = await run(announcing(false), {maxRejects: 2, commitAfter: {records: 9, milliseconds: 1e9}})
    expect(messageWithCauses(error)).to.include('more than 2 records were rejected')
    expect(await stored()).to.have.length(18)
  })
})

describe('a checkpoint', () => {
  const yielding = (page: object) =>
    scriptedSource(() => [], {
      streams: [{objectType: 'thing', windowed: false}],
      async *extract() {
        yield await Promise.resolve({records: [], ...page} as Page)
      },
    })

  it('without a bookmark is a fault of the source', async () => {
    const {error} = await run(yielding({checkpoint: true}))
    expect(messageWithCauses(error)).to.include('the source yielded a checkpoint without a bookmark')
  })

  it('that is not true is a fault of the source', async () => {
    const {error} = await run(yielding({checkpoint: 'yes', bookmark: 1}))
    expect(messageWithCauses(error)).to.include('whose checkpoint is not true')
  })

  it('may hold no secret', async () => {
    const mask = createMask()
    mask.add('token-of-the-account')
    const {error} = await run(yielding({checkpoint: true, bookmark: 'page?token-of-the-account'}), {mask})
    expect(messageWithCauses(error)).to.include('a bookmark that holds a secret')
  })

  it('is passed over in slices of time, which are commits by themselves, and is no bookmark for the next run', async () => {
    const source = scriptedSource(() => [], {
      defaults: {slice: '1d', earliest: new Date(0).toISOString()},
      async *extract({window}) {
        const id = String((window.since?.getTime() ?? 0) / DAY)
        yield await Promise.resolve({records: [{id}], bookmark: `within ${id}`, checkpoint: true as const})
        if (window.until.getTime() > DAY) throw new Error('broken')
      },
    })
    await run(source, {now: 2 * DAY})
    await run(source, {now: 2 * DAY})
    expect(await stored()).to.deep.equal([0])
    expect(source.calls.map(({since, bookmark}) => [since, bookmark])).to.deep.equal([
      [undefined, undefined],
      [DAY, undefined],
      [DAY - CLOCK_TOLERANCE, undefined],
    ])
  })
})

describe('a checkpoint within a change feed', () => {
  /** The feed tells of one record a position, up to `end`; the first reading finds nothing. */
  const feed = (windowed: boolean) => {
    const state = {end: 0, breaksAfter: Infinity, source: undefined as unknown as ReturnType<typeof scriptedSource>}
    state.source = scriptedSource(() => [], {
      streams: [{objectType: 'thing', windowed}],
      currentBookmark: () => Promise.resolve(state.end),
      async *extract({bookmark}: SourceContext<unknown>) {
        const from = typeof bookmark === 'number' ? bookmark : state.end
        for (let at = from; at < state.end; at += 1) {
          if (at - from === state.breaksAfter) throw new Error('broken')
          yield await Promise.resolve({records: [{id: String(at)}], bookmark: at + 1, checkpoint: true as const})
        }
      },
    })
    return state
  }

  for (const windowed of [true, false]) {
    it(`is where the changes are read on from, of a stream ${windowed ? 'with' : 'without'} times`, async () => {
      const state = feed(windowed)
      await run(state.source)
      state.end = 50
      state.breaksAfter = 20
      for (let runs = 0; runs < 3; runs += 1) await run(state.source)
      await run(state.source)
      expect(state.source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 0, 20, 40, 50])
      expect(await stored()).to.deep.equal(numbers(50))
    })
  }

  it('is not lost where a window is read in between', async () => {
    const state = feed(true)
    await run(state.source)
    state.end = 50
    state.breaksAfter = 20
    await run(state.source)
    state.breaksAfter = Infinity
    await run(state.source, {request: {since: clock}})
    await run(state.source)
    expect(state.source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 0, undefined, 20])
    expect(await stored()).to.deep.equal(numbers(50))
  })
})

describe('a change while a whole reading is broken off and gone on with', () => {
  it('is told by the feed afterwards: the bookmark of the first run stays', async () => {
    const ledger = new Ledger(40)
    let position = 0
    const source: ReturnType<typeof ledgerSource> = {
      ...ledgerSource(ledger),
      currentBookmark: () => Promise.resolve({feed: position}),
    }
    ledger.breaksAfter = 20
    await run(source)
    position = 7
    ledger.breaksAfter = Infinity
    await run(source)
    position = 9
    await run(source)
    expect(source.calls.map(({bookmark}) => bookmark)).to.deep.equal([undefined, 20, {feed: 0}])
    expect((await completed()).map(({bookmark}) => bookmark?.value)).to.deep.equal([
      {feed: 0},
      {feed: 0},
      {feed: 0},
      {feed: 9},
    ])
  })
})
