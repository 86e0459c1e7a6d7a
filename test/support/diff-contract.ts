import {expect} from 'chai'

import {CLOCK_TOLERANCE} from '../../src/model/clock.ts'
import type {Diff} from '../../src/sink/diff.ts'
import type {JsonObject, Source} from '../../src/source.ts'
import {Archive, archiveSource} from './archive-source.ts'
import {Random, seedFromEnvironment} from './random.ts'
import {PRODUCTION, TEST, type ScriptedResult, type ScriptedRun} from './scripted-run.ts'
import {scriptedSource, type ScriptedRecord} from './scripted-source.ts'
import {DAY, yielding, type Remembering, type WarehouseUnderTest} from './warehouse-contract.ts'

const HOUR = 3_600_000
const full = {full: true}
/** TypeScript's library does not know it yet. */
const {rawJSON} = JSON as unknown as {readonly rawJSON: (text: string) => unknown}
const key = (id: string): string => `thing:scripted--acct1:${id}`

/** What a diff promises on every warehouse, asked through the real sinks and the real pipeline. */
export function describeDiff(warehouse: () => WarehouseUnderTest, {remember}: Remembering = {}): void {
  const diffOf = async (run: Omit<ScriptedRun, 'folder'>): Promise<Diff> => {
    const {diff, error, counts} = await warehouse().run({mode: 'dry-run', diffSamples: 3, ...run})
    expect(error).to.equal(undefined)
    expect(counts).to.include({inserted: 0, updated: 0, unchanged: 0})
    if (diff === undefined) throw new Error('there is no diff')
    return diff
  }

  it('tells what would be inserted, updated, left and repeated, and the run does that', async () => {
    await warehouse().run({source: yielding({id: 'a'}, {id: 'b', n: 1}, {id: 'c'}), now: DAY})
    const before = await warehouse().stored()
    const run = {source: yielding({id: 'a'}, {id: 'b', n: 2}, {id: 'd'}, {id: 'd', m: 0}), now: 2 * DAY, request: full}
    const diff = await diffOf(run)
    expect(diff.counts).to.deep.equal({insert: 1, update: 1, unchanged: 1, newer: 0, duplicate: 1})
    expect(await warehouse().stored()).to.deep.equal(before)
    const {counts} = await warehouse().run(run)
    expect(counts).to.include({inserted: 1, updated: 1, unchanged: 1, duplicates: 1})
  })

  it('shows rows of each kind, and where all updated ones change', async () => {
    const former = ['a', 'b', 'c', 'd', 'e'].map((id) => ({id, n: 1, 'odd/~name': {deep: [1, {x: true}]}}))
    await warehouse().run({source: yielding(...former), now: DAY})
    const latter = former.map((one) => ({...one, n: one.id === 'a' ? 1 : 2, 'odd/~name': {deep: [1, {x: one.id}]}}))
    const source = yielding(...latter, {id: 'f', secret: 'x'})
    const diff = await diffOf({source, now: 2 * DAY, request: full, diffSamples: 1, hiddenPaths: ['/n', '/secret']})
    expect(diff.paths).to.deep.equal([
      {path: '/odd~1~0name/deep/1/x', records: 5},
      {path: '/n', records: 4},
    ])
    expect(diff.inserted).to.deep.equal([{idemKey: key('f'), payload: '{"id":"f","secret":"***"}'}])
    expect(diff.updated).to.have.length(1)
    expect(diff.updated[0]?.lastSeen.getTime()).to.equal(DAY)
    const shown = (await diffOf({source, now: 2 * DAY, request: full, diffSamples: 50, hiddenPaths: ['/n']})).updated
    expect(shown.map(({idemKey}) => idemKey)).to.have.members(['a', 'b', 'c', 'd', 'e'].map(key))
    expect(shown.find(({idemKey}) => idemKey === key('b'))?.changes).to.have.deep.members([
      {op: 'replace', path: ['n'], from: '***', to: '***'},
      {op: 'replace', path: ['odd/~name', 'deep', '1', 'x'], from: true, to: 'b'},
    ])
  })

  it('counts records of a later commit by what the ones before it would have written', async () => {
    const records = [
      readAt(0, {id: 'new'}),
      readAt(HOUR, {id: 'new', again: true}),
      readAt(HOUR, {id: 'new', again: true}),
      readAt(0, {id: 'old', n: 1}),
      readAt(HOUR, {id: 'old', n: 1}),
    ]
    await warehouse().run({source: yielding({id: 'old', n: 0}), now: -DAY})
    const run = {
      source: scriptedSource(() => records, {defaults: {slice: '1h'}}),
      start: 0,
      now: 2 * HOUR,
      commitAfter: {records: 1, milliseconds: 300_000},
    }
    const diff = await diffOf(run)
    const {counts, commits} = await warehouse().run(run)
    expect(commits).to.equal(2)
    expect(counts).to.include({inserted: 1, updated: 2, unchanged: 1, duplicates: 1})
    expect(diff.counts).to.deep.equal({insert: 1, update: 2, unchanged: 1, newer: 0, duplicate: 1})
  })

  it('tells apart rows that were read later than the run began', async () => {
    await warehouse().run({source: yielding({id: 'a', n: 1}, {id: 'b', n: 1}), now: DAY})
    await warehouse().setLastSeen(2 * DAY + CLOCK_TOLERANCE + 1000)
    const run = {source: yielding({id: 'a', n: 2}, {id: 'c'}), now: 2 * DAY, request: full}
    expect((await diffOf(run)).counts).to.deep.equal({insert: 1, update: 0, unchanged: 0, newer: 1, duplicate: 0})
    expect((await warehouse().run(run)).counts).to.include({inserted: 1, updated: 0, unchanged: 1})
  })

  it('tells of deletions, of records that are not fetched, and of each object type', async () => {
    const source = scriptedSource(() => [], {
      streams: [
        {objectType: 'thing', windowed: true},
        {objectType: 'other', windowed: true},
      ],
      async *extract({known}) {
        const stored = await known([key('a'), key('b')])
        yield {
          objectType: 'thing',
          records: ['a', 'b'].filter((id) => !stored.has(key(id))).map((id) => ({id})),
          deleted: [key('gone')],
        }
        yield {objectType: 'other', records: [{id: 'a'}]}
      },
    })
    await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    const diff = await diffOf({source, now: 2 * DAY, request: full})
    expect(diff.deleted).to.deep.equal({count: 1, keys: [key('gone')]})
    expect(diff.byObjectType.get('thing')?.insert).to.equal(1)
    expect(diff.byObjectType.get('other')?.insert).to.equal(1)
    expect(diff.counts.insert).to.equal(2)
  })

  it('foretells what a sweep that is due would find, knowing what the run would have stored by then', async () => {
    const archive = new Archive()
    archive.add({id: 'a', at: DAY}, {id: 'b', at: 2 * DAY})
    const sweep = 7 * DAY
    await warehouse().run({source: archiveSource(archive), sweep, now: 100 * DAY})
    archive.add({id: 'late', at: DAY}, {id: 'new', at: 101 * DAY})
    const run = {source: archiveSource(archive), sweep, now: 108 * DAY}
    const foretold = await warehouse().run({...run, mode: 'dry-run', diffSamples: 3})
    expect(foretold.error).to.equal(undefined)
    expect(foretold.swept).to.deep.equal({listed: 4, unknown: 1})
    expect(foretold.diff?.counts).to.include({insert: 2, update: 0, unchanged: 0})
    const done = await warehouse().run(run)
    expect(done.swept).to.deep.equal({listed: 4, unknown: 1})
    expect(done.counts).to.include({inserted: 2, updated: 0, unchanged: 0})
  })

  it('compares a test run with the test tables, before each of its commits', async () => {
    await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    const run = {mode: 'test-table', diffSamples: 3, now: 2 * DAY, request: full} as const
    const first = await warehouse().run({...run, source: yielding({id: 'a'}, {id: 'b', n: 1})})
    expect(first.diff?.counts).to.include({insert: 2, update: 0})
    const second = await warehouse().run({...run, source: yielding({id: 'a'}, {id: 'b', n: 2}), now: 3 * DAY})
    expect(second.counts).to.include({inserted: 0, updated: 1, unchanged: 1})
    expect(second.diff?.table).to.equal(TEST.rawObjects)
    expect(second.diff?.counts).to.deep.equal({insert: 0, update: 1, unchanged: 1, newer: 0, duplicate: 0})
    expect(second.diff?.moved).to.equal(undefined)
  })

  it('takes a number for the same however it is spelled, as the run does, and no text for a number', async () => {
    const spelled = (...numbers: string[]) =>
      yielding({id: 'a', text: '[1.0,"2.0",', list: numbers.map((number) => rawJSON(number))})
    await warehouse().run({source: spelled('1', '0', '-20', '0.5', '10.05', '3.0'), now: DAY})
    const same = {source: spelled('1.0', '-0.0', '-20.0', '5e-1', '10.050', '3'), now: 2 * DAY, request: full}
    expect((await diffOf(same)).counts).to.include({update: 0, unchanged: 1})
    expect((await warehouse().run(same)).counts).to.include({updated: 0, unchanged: 1})
    const other = {source: spelled('1.0', '0', '-20', '0.5', '10.5', '3'), now: 3 * DAY, request: full}
    expect((await diffOf(other)).paths).to.deep.equal([{path: '/list/4', records: 1}])
    expect((await warehouse().run(other)).counts).to.include({updated: 1, unchanged: 0})
    const text = {...other, source: yielding({id: 'a', text: '[1,"2",', list: [1, 0, -20, 0.5, 10.5, 3]}), now: 4 * DAY}
    expect((await diffOf(text)).paths).to.deep.equal([{path: '/text', records: 1}])
    expect((await warehouse().run(text)).counts).to.include({updated: 1, unchanged: 0})
  })

  it('says that production moved while it was read, and who moved it', async () => {
    await warehouse().run({source: yielding({id: 'a'}), now: DAY})
    let other: ScriptedResult | undefined
    const source = scriptedSource(() => [], {
      async *extract() {
        other ??= await warehouse().run({source: yielding({id: 'b'}), now: 2 * DAY, request: full})
        yield {records: [{id: 'c'}]}
      },
    })
    const diff = await diffOf({source, now: 2 * DAY, request: full})
    expect(diff.moved).to.deep.equal({runId: other?.runId})
  })

  it('foretells what each run of a random sequence does', async () => {
    const seed = seedFromEnvironment()
    const sequences = Number(process.env['SEQUENCES'] ?? 1)
    for (let sequence = 0; sequence < sequences; sequence += 1) {
      const random = new Random(seed + sequence)
      const account = `random${sequence}`
      const hasBookmark = random.chance(0.3)
      for (let step = 1; step <= 4; step += 1) {
        const where = `seed ${seed + sequence}, step ${step}`
        const run = {
          source: randomSource(random, {step, hasBookmark}),
          account,
          job: account,
          start: 0,
          maxRejects: Infinity,
          now: step * DAY,
          request: {full: random.chance(0.7), refetch: random.chance(0.5), ...(random.chance(0.2) && {limit: 7})},
          commitAfter: {records: random.integer(1, 12), milliseconds: 300_000},
        }
        await remember?.()
        const foretold = await warehouse().run({mode: 'dry-run', diffSamples: 3, ...run})
        expect(foretold.error, where).to.equal(undefined)
        const {counts, deleted} = foretold.diff ?? {}
        const {counts: done, error} = await warehouse().run(run)
        expect(error, where).to.equal(undefined)
        expect({...counts, rejected: foretold.counts.rejected, deleted: deleted?.count}, where).to.deep.equal({
          insert: done.inserted,
          update: done.updated,
          unchanged: done.unchanged,
          newer: 0,
          duplicate: done.duplicates,
          rejected: done.rejected,
          deleted: done.deleted,
        })
        await changeByHand(random, account)
      }
    }
  })

  /** As somebody does who logs nothing. */
  async function changeByHand(random: Random, account: string): Promise<void> {
    const rows = (await warehouse().stored()).filter((row) => row.key.includes(`--${account}:`))
    if (rows.length === 0 || random.chance(0.4)) return
    const {key: edited, payload} = rows[random.integer(0, rows.length - 1)] as (typeof rows)[number]
    const members = Object.entries(payload as Readonly<Record<string, unknown>>).toReversed()
    if (random.chance(0.5)) members.push(['hand', 1])
    if (random.chance(0.3)) await warehouse().removeRow(PRODUCTION.rawObjects, edited)
    else await warehouse().edit(edited, Object.fromEntries(members))
  }
}

/** The time is no part of the record. */
const readAt = (at: number, record: object): ScriptedRecord =>
  Object.defineProperty({...record}, 'at', {value: at, enumerable: false}) as ScriptedRecord

/** Two object types, of which some records have no key, some are told as rejects, and some keys as deleted. */
function randomSource(
  random: Random,
  {step, hasBookmark}: {readonly step: number; readonly hasBookmark: boolean},
): Source {
  const streams = ['thing', 'other'].map((objectType) => ({objectType, windowed: !hasBookmark}))
  const told = streams.map(({objectType}) => ({
    objectType,
    records: randomRecords(random),
    deleted: Array.from({length: random.integer(0, 2)}, () => ({at: randomTime(random), id: randomId(random)})),
    rejectedAt: random.chance(0.3) ? randomTime(random) : -1,
  }))
  return scriptedSource(() => [], {
    streams,
    defaults: {slice: '1h'},
    idemKey(record, {objectType, sourceSystem}) {
      if (typeof record['id'] !== 'string') throw new Error('it has no id')
      return `${objectType}:${sourceSystem}:${record['id']}`
    },
    ...(hasBookmark && {currentBookmark: () => Promise.resolve(step)}),
    async *extract({window, streams: read, reject}) {
      const isInside = (at: number): boolean =>
        hasBookmark || ((window.since?.getTime() ?? -Infinity) <= at && at < window.until.getTime())
      for (const {objectType, records, deleted, rejectedAt} of told) {
        const stream = read.find((one) => one.objectType === objectType)
        if (stream === undefined) continue
        if (rejectedAt >= 0 && isInside(rejectedAt)) reject(`of-${step}`, 'the service broke it off', objectType)
        yield await Promise.resolve({
          objectType,
          records: records.filter(({at}) => isInside(at)) as readonly JsonObject[],
          deleted: deleted.filter(({at}) => isInside(at)).map(({id}) => `${objectType}:${stream.sourceSystem}:${id}`),
        })
      }
    },
  })
}

const randomTime = (random: Random): number => random.integer(0, 5) * HOUR
/** Few, so that they come again, in several slices of the day. */
const randomId = (random: Random): string => `id-${random.integer(0, 11)}`

function randomRecords(random: Random): readonly ScriptedRecord[] {
  return Array.from({length: random.integer(0, 25)}, () => {
    const members: (readonly [string, unknown])[] = [
      ['id', random.chance(0.05) ? null : randomId(random)],
      ['n', rawJSON(random.pick(['1', '1.0', '10e-1', '0', '-0.0', '12345678901234567890123', '0.1']))],
      ['nested', {list: [1, random.chance(0.5)], 'ünïcode "x"\n': null}],
    ]
    if (random.chance(0.5)) members.reverse()
    return readAt(randomTime(random), Object.fromEntries(members))
  })
}
